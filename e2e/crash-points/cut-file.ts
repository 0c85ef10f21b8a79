import type { Chance } from "#/base/testing/chance.ts";

export type PendingWrite =
  | { at: number; offset: number; data: Buffer }
  | { at: number; sizeBytes: number };

export interface FileState {
  /** Its content as it is on disk for sure. */
  durable: Buffer;
  /** Its size as processes see it. */
  sizeBytes: number;
  /** What was written since, oldest first. */
  pending: PendingWrite[];
}

const styles = ["none", "all", "prefix", "torn", "scattered", "late"] as const;
type Style = (typeof styles)[number];

/**
 * A file's content after a power cut. Each of its sectors is as it was after some of the writes that
 * touched it, each sector for itself: so writes are lost, torn at sectors, and on disk out of order.
 * What a lost write left open within the file reads as zeros, or as what the disk held before.
 * "all" is the file as if it had been synced.
 */
export function cutFile(file: FileState, chance: Chance | "all"): Buffer {
  if (chance === "all") return build(file, () => Infinity, Infinity);
  if (file.pending.length === 0) return file.durable;
  const sectorBytes = chance.pick([512, 4096]);
  const keeps = keeping(chance.pick(styles), file.pending.length, chance);
  const bySector = new Map<number, number>();
  const keptOf = (byte: number) => {
    const sector = Math.floor(byte / sectorBytes);
    const known = bySector.get(sector) ?? keeps();
    bySector.set(sector, known);
    return known;
  };
  const truncated = chance.below(file.pending.length + 1);
  const content = build(file, keptOf, truncated, sectorBytes);
  // The new size may be on disk before what stands there.
  const missing = file.sizeBytes - content.length;
  if (missing <= 0 || chance.fraction() < 0.5) return content;
  const isStale = chance.fraction() < 0.5;
  const rest = Buffer.from(
    isStale ? Array.from({ length: missing }, () => chance.below(256)) : new Uint8Array(missing),
  );
  return Buffer.concat([content, rest]);
}

/** For each sector asked about, how many of the file's writes it has seen. */
function keeping(style: Style, count: number, chance: Chance): () => number {
  const until = chance.below(count + 1);
  switch (style) {
    case "none":
      return () => 0;
    case "all":
      return () => count;
    case "prefix":
      return () => until;
    case "torn":
      return () => until + chance.below(2);
    case "scattered":
      return () => chance.below(count + 1);
    case "late":
      return () => chance.pick([0, count, count]);
  }
}

/** Applies to each sector as many of the writes as it keeps; and the first `truncated` changes of size. */
function build(
  { durable, pending }: FileState,
  keptOf: (byte: number) => number,
  truncated: number,
  sectorBytes = Infinity,
): Buffer {
  let sizeBytes = durable.length;
  const end = Math.max(
    sizeBytes,
    ...pending.map((write) => ("data" in write ? write.offset + write.data.length : 0)),
  );
  const content = Buffer.alloc(end);
  durable.copy(content);
  pending.forEach((write, index) => {
    if (!("data" in write)) {
      if (index >= truncated) return;
      content.fill(0, Math.min(write.sizeBytes, end));
      sizeBytes = write.sizeBytes;
      return;
    }
    const { offset, data } = write;
    for (let at = 0; at < data.length;) {
      const next = Math.min(
        data.length,
        sectorBytes === Infinity ? Infinity : sectorBytes - ((offset + at) % sectorBytes) + at,
      );
      if (index < keptOf(offset + at)) {
        data.copy(content, offset + at, at, next);
        sizeBytes = Math.max(sizeBytes, offset + next);
      }
      at = next;
    }
  });
  return content.subarray(0, sizeBytes);
}
