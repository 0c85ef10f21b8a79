import {
  existsSync,
  ftruncateSync,
  fsyncSync,
  openSync,
  closeSync,
  renameSync,
  statSync,
} from "node:fs";
import type { Log } from "#/base/log.ts";
import type { Applier } from "./apply.ts";
import type { Catalog, Position } from "./catalog.ts";
import type { Packs } from "./packs.ts";
import { scanPack, type Gap, type Scanned } from "./scan.ts";

/**
 * Brings the index up to the end of the packs, from where it was when it was last committed; from the beginning where it
 * is new. Cuts off what an unfinished batch left behind. Says what is damaged and goes on: the rest can still be read.
 */
export async function replay(parts: {
  packs: Packs;
  catalog: Catalog;
  applier: Applier;
  report: Log;
}): Promise<{ records: number; gaps: (Gap & { pack: number })[] }> {
  const { packs, catalog, applier, report } = parts;
  const gaps: (Gap & { pack: number })[] = [];
  let records = 0;
  const numbers = packs.list();
  const { pack: fromPack, at: fromAt } = catalog.position;
  // A pack that was not begun yet may not have its name yet.
  const isNext = fromAt === 0 && fromPack === (numbers.at(-1) ?? 0) + 1;
  const last = isNext ? fromPack : (numbers.at(-1) ?? 1);
  if (fromPack > last) throw new Error("it is ahead of the packs");
  if (fromPack > 0 && !isNext && !numbers.includes(fromPack))
    throw new Error("the pack it came to is gone");
  let end: Position = { pack: last, at: last === fromPack ? fromAt : 0 };
  let batch = catalog.lastBatch;
  for (const pack of numbers.filter((number) => number >= fromPack)) {
    const from = pack === fromPack ? fromAt : 0;
    if (statSync(packs.path(pack)).size < from) throw new Error("it is ahead of the packs");
    let open: Gap | undefined;
    const isLast = pack === last;
    for (const found of scanPack(packs.path(pack), pack, from, { isThorough: isLast })) {
      if (!("record" in found)) {
        open = found;
        continue;
      }
      if (open) {
        const wasOnDisk = !isLast || isDamage(batch, found) || isFollowed(packs, pack, found);
        if (!wasOnDisk) break; // the rest of a batch that was never finished
        gaps.push({ ...open, pack });
      }
      open = undefined;
      catalog.begin();
      applier.apply(found.record, found.spot);
      batch = found.batch;
      end = { pack, at: found.end };
      catalog.reached(end, batch, 1);
      if (++records % recordsAtOnce === 0) await new Promise(setImmediate);
    }
    if (open && !isLast) gaps.push({ ...open, pack });
  }
  if (existsSync(packs.path(end.pack))) settle(packs.path(end.pack), end.at);
  catalog.begin();
  catalog.reached(end.pack === 0 ? { pack: 1, at: 0 } : end, batch, 0);
  catalog.commit();
  for (const { pack, from, to } of gaps)
    report.error("a pack of objects is damaged; what was there is lost", { pack, from, to });
  return { records, gaps };
}

/** Brings the index from its position to `until`, which it had come to before: all of that can be read. */
export function replayUntil(
  parts: { packs: Packs; catalog: Catalog; applier: Applier },
  until: Position,
): void {
  const { packs, catalog, applier } = parts;
  const from = catalog.position;
  catalog.begin();
  for (const pack of packs.list()) {
    if (pack < from.pack || pack > until.pack) continue;
    const at = pack === from.pack ? from.at : 0;
    for (const found of scanPack(packs.path(pack), pack, at, { isThorough: false })) {
      if (!("record" in found)) continue;
      if (pack === until.pack && found.end > until.at) break;
      applier.apply(found.record, found.spot);
      catalog.reached({ pack, at: found.end }, catalog.lastBatch, 1);
    }
  }
  catalog.reached(until, catalog.lastBatch, 0);
}

const recordsAtOnce = 512;

/**
 * Whether what could not be read before `next` was on disk once: `next` begins a batch, or is of one after the next. Of records
 * of the same batch any may be missing while that is being written.
 */
function isDamage(lastBatch: number, next: Scanned): boolean {
  return next.place === 0 || next.batch > lastBatch + 1;
}

/** Whether a batch was begun after that of `found`: only when all of that was on disk. */
function isFollowed(packs: Packs, pack: number, found: Scanned): boolean {
  return scanPack(packs.path(pack), pack, found.end, { isThorough: false }).some(
    (later) => "record" in later && later.batch > found.batch,
  );
}

/**
 * Cuts off what is behind `at`. The rest is on disk then: the end of it may be of a write during which the last process was
 * killed, and nobody else would ever wait for that.
 */
function settle(path: string, at: number): void {
  const file = openSync(path, "r+");
  try {
    if (statSync(path).size !== at) ftruncateSync(file, at);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** Forgets packs that were compacted and removed just before the process ended; others that are gone are told. */
export function forgetRemovedPacks(parts: { packs: Packs; catalog: Catalog; report: Log }): void {
  const { packs, catalog, report } = parts;
  const present = new Set(packs.list());
  for (const [pack, { bytes, dead }] of catalog.packs) {
    if (present.has(pack)) continue;
    if (dead >= bytes) catalog.removedPack(pack);
    else report.error("a pack of objects is gone; what was there is lost", { pack });
  }
}

/** Puts an index that cannot be used out of the way; a new one is made of the packs. */
export function setIndexAside(file: string): void {
  for (const end of ["", "-wal", "-shm"]) {
    if (existsSync(file + end)) renameSync(file + end, `${file}.damaged${end}`);
  }
}
