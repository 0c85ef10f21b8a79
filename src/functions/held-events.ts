import { limits } from "#/base/limits.ts";
import { parentOf } from "#/model/record.ts";
import type { Space } from "#/space/space.ts";

/**
 * Which events of functions are in memory. Those that have no place there are archived as they come, and fetched, the oldest first, when
 * there is place again.
 */
export class HeldEvents {
  #space: Space;
  #bytes = new Map<string, number>();
  /** Functions that may have events in the log alone. */
  #spilled = new Set<string>();
  #hasLooked = false;

  constructor(space: Space) {
    this.#space = space;
    for (const { name } of space.all("function")) this.#spilled.add(name);
    for (const { name, spec } of space.all("function-event")) this.#add(parentOf(name), spec);
    space.onApplied((changes) => {
      for (const { op, record } of changes) {
        if (record.kind !== "function-event") continue;
        const isNew = (op === "put" && record.revision === 1) || op === "restore";
        if (isNew) this.#add(parentOf(record.name), record.spec);
        else if (op === "delete") this.#add(parentOf(record.name), record.spec, -1);
      }
    });
  }

  /** Whether one more may be in memory; none may while older ones are not. */
  hasRoom(name: string, bytes: number): boolean {
    return !this.#spilled.has(name) && this.#hasPlace(name, bytes);
  }

  /** One was archived. */
  spilled(name: string): void {
    this.#spilled.add(name);
  }

  /** Functions that have events in memory. */
  functions(): string[] {
    return [...this.#bytes.keys()];
  }

  /** Brings back what was archived, where there is place. */
  async fetch(): Promise<void> {
    if (!this.#hasLooked) await this.#look();
    for (const name of Array.from(this.#spilled)) {
      const room = limits.functionEventsHeldMax - this.#space.count("function-event", name);
      if (room < limits.functionEventsHeldMax / 2 || !this.#hasPlace(name, 0)) continue;
      // What is archived while this is read says so again.
      this.#spilled.delete(name);
      const limit = Math.min(room, limits.functionEventsFetched);
      const found = await this.#space.archived("function-event", { prefix: `${name}/`, limit });
      if (found.length === limit) this.#spilled.add(name);
      let bytes = this.#bytes.get(name) ?? 0;
      this.#space.commit((tx) => {
        for (const record of found) {
          if ((bytes += record.spec.payload.length) > limits.functionEventsHeldBytesMax) {
            this.#spilled.add(name);
            break;
          }
          tx.put<"function-event">(record);
        }
      });
    }
  }

  /** Also functions that were removed before a restart may have left events in the log. */
  async #look(): Promise<void> {
    for (let before: string | undefined; ;) {
      const [event] = await this.#space.archived("function-event", {
        limit: 1,
        ...(before !== undefined && { before }),
      });
      if (!event) break;
      const name = parentOf(event.name);
      this.#spilled.add(name);
      before = `${name}/`;
    }
    this.#hasLooked = true;
  }

  #hasPlace(name: string, bytes: number): boolean {
    return (
      this.#space.count("function-event", name) < limits.functionEventsHeldMax &&
      (this.#bytes.get(name) ?? 0) + bytes <= limits.functionEventsHeldBytesMax
    );
  }

  #add(name: string, { payload }: { payload: string }, sign = 1): void {
    const bytes = (this.#bytes.get(name) ?? 0) + sign * payload.length;
    if (this.#space.count("function-event", name) > 0) this.#bytes.set(name, bytes);
    else this.#bytes.delete(name);
  }
}
