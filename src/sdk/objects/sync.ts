import { join } from "node:path";
import type { Files } from "#/base/files.ts";

/** One thing on a side of a sync, by its path below the folder or the prefix. */
export interface Entry {
  path: string;
  sizeBytes: number;
  modifiedMs: number;
  /** Of a file that is compared by the size that it has sealed: its own. */
  plainBytes?: number;
}

export interface SyncPlan {
  /** To be brought, in the order of their paths. */
  transfers: (Entry & { why: "new" | "size" | "newer" })[];
  /** Only on the other side; to be removed where that is asked for. */
  removals: string[];
  unchanged: number;
}

/** Resolution of the times that stores tell. */
const timeMs = 1000;

/**
 * What makes `to` like `from`: what is not there, has another size, or is newer here. The same size and a time that is not
 * later count as the same, as with the sync of others.
 */
export function planSync(
  from: Iterable<Entry>,
  to: Iterable<Entry>,
  { sizeOnly = false }: { sizeOnly?: boolean } = {},
): SyncPlan {
  const there = new Map(Array.from(to, (entry) => [entry.path, entry]));
  const plan: SyncPlan = { transfers: [], removals: [], unchanged: 0 };
  for (const entry of from) {
    const other = there.get(entry.path);
    there.delete(entry.path);
    const why = reasonOf(entry, other, sizeOnly);
    if (why === undefined) plan.unchanged++;
    else plan.transfers.push({ ...entry, why });
  }
  plan.removals = [...there.keys()];
  return plan;
}

function reasonOf(entry: Entry, other: Entry | undefined, sizeOnly: boolean) {
  if (!other) return "new" as const;
  if (entry.sizeBytes !== other.sizeBytes) return "size" as const;
  const isNewer = Math.floor(entry.modifiedMs / timeMs) > Math.floor(other.modifiedMs / timeMs);
  return isNewer && !sizeOnly ? ("newer" as const) : undefined;
}

/**
 * All files below a folder, those that a download left behind not among them. Links are followed, but not back to a folder that
 * leads to them: what is there is found already.
 */
export async function* filesBelow(
  files: Pick<Files, "list" | "stat">,
  folder: string,
  below = "",
  above: readonly string[] = [],
): AsyncGenerator<Entry> {
  const identity = (await files.stat(join(folder, below)))?.identity;
  if (identity !== undefined && above.includes(identity)) return;
  const way = identity === undefined ? above : [...above, identity];
  for (const name of (await files.list(join(folder, below))).sort()) {
    const path = below === "" ? name : `${below}/${name}`;
    const found = await files.stat(join(folder, path));
    if (!found || /^\..*\.[0-9a-f]{16}\.part$/.test(name)) continue;
    if (found.isFolder) yield* filesBelow(files, folder, path, way);
    else yield { path, sizeBytes: found.sizeBytes, modifiedMs: found.modifiedMs };
  }
}
