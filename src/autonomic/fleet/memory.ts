import type { Growth } from "./grow.ts";

/** What is known of a project's shared machines beside the records. */
export class FleetMemory {
  /** What the fleet is made of, and since when. */
  steady: { readonly of: string; readonly sinceMs: number } = { of: "", sinceMs: -Infinity };
  /** Something is expected that machines are there for already. */
  isAwaiting = false;
  /** Where nothing could be bought, that is thought about again after a while, on the monotonic clock. */
  short:
    | {
        readonly atMs: number;
        readonly policy: object;
        readonly owned: number;
        readonly growth: Growth;
      }
    | undefined;
  /** Whether a proposal that waits is still the right one is asked again then. */
  proposesFromMs = 0;
  /** Since when nothing was to be proposed; infinite once that was seen to. */
  unwishedSinceMs: number | undefined;
  #said = new Map<string, string>();

  /** Whether that is said of something for the first time since something else was. */
  isNew(of: string, said: string): boolean {
    const isNew = this.#said.get(of) !== said;
    this.#said.set(of, said);
    return isNew;
  }

  /** Forgets what was said of all but these. */
  keep(names: ReadonlySet<string>): void {
    for (const name of this.#said.keys()) if (!names.has(name)) this.#said.delete(name);
  }
}
