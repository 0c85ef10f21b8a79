import type { AnyRecord } from "#/model/record.ts";
import { decodeRecords } from "../codec.ts";

/** A repair that sets changes aside leaves a gap in their numbers, so that no watcher takes a new batch for one that is gone. */
export const repairedGap = 1_000_000;

/** The tasks among records with commas between; none when they are damaged, which the examination tells. */
export function readableTasks(bodies: string): AnyRecord[] {
  try {
    return decodeRecords(bodies).filter(({ kind }) => kind === "task");
  } catch {
    return [];
  }
}
