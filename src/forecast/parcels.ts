import type { Clock } from "#/base/clock.ts";
import { limits } from "#/base/limits.ts";

/**
 * Large plain data in pieces: copying all of it to another thread at once would keep the event loop
 * from its turn. Arrays and maps directly under `value` or one level below go a slice at a time.
 */
export interface Parcel {
  path: readonly string[];
  /** Entries to add to what is at the path; or all of what is there. */
  part:
    | { array: readonly unknown[] }
    | { entries: readonly (readonly [unknown, unknown])[] }
    | { value: unknown };
}

const depthMax = 2;

/** Sends `value` in pieces, with turns of the event loop in between. */
export async function sendParcels(
  value: object,
  send: (parcel: Parcel) => void,
  clock: Clock,
): Promise<void> {
  let items = 0;
  for (const parcel of parcelsOf(value, [])) {
    send(parcel);
    const { part } = parcel;
    items += "array" in part ? part.array.length : "entries" in part ? part.entries.length : 1;
    if (items < limits.parcelItems) continue;
    items = 0;
    await new Promise<void>((resolve) => clock.soon(resolve));
  }
}

function* parcelsOf(value: object, path: readonly string[]): Generator<Parcel> {
  for (const [name, member] of Object.entries(value) as [string, unknown][]) {
    const at = [...path, name];
    if (Array.isArray(member)) {
      yield { path: at, part: { array: [] } };
      for (let from = 0; from < member.length; from += limits.parcelItems)
        yield { path: at, part: { array: member.slice(from, from + limits.parcelItems) } };
    } else if (member instanceof Map) {
      const entries = [...(member as Map<unknown, unknown>)];
      yield { path: at, part: { entries: [] } };
      for (let from = 0; from < entries.length; from += limits.parcelItems)
        yield { path: at, part: { entries: entries.slice(from, from + limits.parcelItems) } };
    } else if (typeof member === "object" && member !== null && at.length <= depthMax) {
      yield { path: at, part: { value: {} } };
      yield* parcelsOf(member, at);
    } else {
      yield { path: at, part: { value: member } };
    }
  }
}

/** Puts together what was sent. */
export class Unpacking {
  readonly value: Record<string, unknown> = {};

  add({ path, part }: Parcel): void {
    const last = path.at(-1)!;
    const at = path
      .slice(0, -1)
      .reduce((of, name) => of[name] as Record<string, unknown>, this.value);
    if ("value" in part) at[last] = part.value;
    else if ("array" in part) ((at[last] ??= []) as unknown[]).push(...part.array);
    else {
      const map = (at[last] ??= new Map<unknown, unknown>()) as Map<unknown, unknown>;
      for (const [key, value] of part.entries) map.set(key, value);
    }
  }
}
