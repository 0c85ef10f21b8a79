import { decodeChanges, encodeChange, encodeRecord } from "#/space/codec.ts";
import type { Batch } from "#/space/log.ts";
import { freeze } from "./freeze.ts";

/** A batch as text, its records as the product writes them. From now on nobody may change them in place: they are frozen. */
export function write(batch: Batch): string {
  const { sequence, serial, changes } = freeze(batch);
  const written = changes.map(({ op, record }) => encodeChange(op, encodeRecord(record)));
  return `${sequence} ${serial}\n${written.join(",")}`;
}

/** Reads one back, frozen too: it is given to all who ask. */
export function read(text: string): Batch {
  const end = text.indexOf("\n");
  const [sequence, serial] = text.slice(0, end).split(" ").map(Number) as [number, number];
  return freeze({ sequence, serial, changes: decodeChanges(text.slice(end + 1), () => []) });
}
