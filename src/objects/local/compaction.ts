import type { Clock } from "#/base/clock.ts";
import { sleep } from "#/base/clock.ts";
import { limits } from "#/base/limits.ts";
import type { Log } from "#/base/log.ts";
import type { Catalog } from "./catalog.ts";
import type { Journal } from "./journal.ts";
import type { Lookup } from "./lookup.ts";
import type { Packs } from "./packs.ts";
import type { Readers } from "./readers.ts";
import type { PieceReader } from "./reading.ts";
import type { Kill, LogRecord, PieceFacts } from "./record.ts";
import type { PieceRow } from "./rows.ts";
import { scanPack, type Scanned } from "./scan.ts";
import type { OneAtATime } from "#/base/one-at-a-time.ts";

interface CompactionParts {
  catalog: Catalog;
  journal: Journal;
  lookup: Lookup;
  packs: Packs;
  pieces: PieceReader;
  readers: Readers;
  turns: OneAtATime;
  clock: Clock;
  report: Log;
}

/**
 * Makes room: what still counts of a pack of which little does is written again at the end of the log, and the pack is
 * removed when that, and the index that knows it, are on disk. Each record is looked at in the turn of its key, so that nothing is
 * moved that is going. What a pack says of other packs, that something in them is no more, is said again while they are there.
 */
export class Compaction {
  #parts: CompactionParts;
  /** One at a time. */
  #last: Promise<unknown> = Promise.resolve();
  #isStopped = false;

  constructor(parts: CompactionParts) {
    this.#parts = parts;
  }

  stop(): void {
    this.#isStopped = true;
  }

  /** Compacts every pack of which at most `shareMin` counts, those of which nothing does first. Gives how many. */
  run(asked: { shareMin: number }): Promise<number> {
    const run = this.#last.then(() => this.#run(asked));
    this.#last = run.catch(() => undefined);
    return run;
  }

  async #run({ shareMin }: { shareMin: number }): Promise<number> {
    const { catalog, journal } = this.#parts;
    const shares = catalog.packs
      .entries()
      .filter(([pack]) => pack < journal.pack)
      .map(([pack, { bytes, dead }]) => ({ pack, share: bytes === 0 ? 0 : 1 - dead / bytes }))
      .filter(({ share }) => share <= shareMin)
      .toArray()
      .toSorted((a, b) => a.share - b.share || a.pack - b.pack);
    let done = 0;
    for (const { pack } of shares) {
      if (this.#isStopped || this.#parts.readers.isAllHeld) break;
      if (await this.#compact(pack)) done++;
    }
    return done;
  }

  async #compact(pack: number): Promise<boolean> {
    const { catalog, packs, readers, report } = this.#parts;
    let [isWhole, bytes] = [true, 0];
    let together: Promise<boolean>[] = [];
    const settle = async () => {
      const moved = await Promise.all(together);
      isWhole &&= moved.every(Boolean);
      together = [];
      if (bytes < limits.compactionBytesASecond / 10) return;
      await sleep(this.#parts.clock, (1000 * bytes) / limits.compactionBytesASecond);
      bytes = 0;
    };
    const marked = new Set<number>();
    for (const found of scanPack(packs.path(pack), pack, 0, { isThorough: false })) {
      if (this.#isStopped) isWhole = false;
      if (!isWhole) break;
      if (!("record" in found)) {
        report.error("a pack is not compacted as it is damaged", { pack, ...found });
        isWhole = false;
        break;
      }
      bytes += found.spot.span;
      together.push(this.#move(found, marked));
      if (together.length >= limits.compactionRecordsAtOnce) await settle();
    }
    await settle();
    if (!isWhole) return false;
    if (!catalog.checkpoint()) return false;
    if (readers.reads(pack)) return false; // the next run finds nothing in it that counts
    await packs.remove(pack);
    catalog.removedPack(pack);
    return true;
  }

  /** False where it could not be moved: then the pack stays. */
  async #move({ record, spot }: Scanned, marked: Set<number>): Promise<boolean> {
    await this.#carry(spot.pack, "kills" in record ? (record.kills ?? []) : []);
    switch (record.op) {
      case "put":
      case "move":
      case "name":
        return this.#moveVersion(record, spot.pack);
      case "part":
        return this.#movePart(record, spot.pack);
      case "begin":
        return this.#moveUpload(record, spot.pack);
      case "mark":
        return this.#carryMark(record, spot.pack, marked);
      case "kill":
      case "forget":
        return true;
    }
  }

  /** Says again what is no more, of packs that are still there. */
  async #carry(pack: number, kills: readonly Kill[]): Promise<void> {
    const { catalog, journal } = this.#parts;
    const left = kills.filter(({ packs }) =>
      packs.some((one) => one !== pack && catalog.packs.has(one)),
    );
    if (left.length > 0) await journal.commit({ op: "kill", kills: left });
  }

  #moveVersion(
    { bucket, key, id }: LogRecord & { op: "put" | "move" | "name" },
    pack: number,
  ): Promise<boolean> {
    const { lookup, journal, turns } = this.#parts;
    return turns.run(`${bucket} ${key}`, async () => {
      const row = lookup.byId({ bucket, key }, id);
      if (row?.pack !== pack) return true;
      const payload = row.length > 0 ? await this.#payload(row, key) : new Uint8Array();
      if (!payload) return false;
      const { body, owner, isMarker } = row;
      const facts = { ...(owner > 0 && { owner }), ...(isMarker && ({ isMarker: true } as const)) };
      const piece = factsOf(row);
      await journal.commit({ op: "move", bucket, key, id, body, piece, ...facts }, payload);
      return true;
    });
  }

  #movePart(record: LogRecord & { op: "part" }, pack: number): Promise<boolean> {
    const { lookup, journal, turns } = this.#parts;
    const { bucket, key, owner, number, id } = record;
    return turns.run(`${bucket} ${key}`, async () => {
      const row = lookup.part(owner, number);
      if (row?.id !== id || row.pack !== pack) return true;
      const payload = await this.#payload(row, key);
      if (!payload) return false;
      const piece = factsOf(row);
      const { body } = row;
      await journal.commit({ op: "part", bucket, key, owner, number, id, body, piece }, payload);
      return true;
    });
  }

  #moveUpload({ bucket, key, id }: LogRecord & { op: "begin" }, pack: number): Promise<boolean> {
    const { lookup, journal, turns } = this.#parts;
    return turns.run(`${bucket} ${key}`, async () => {
      const row = lookup.uploadById({ bucket, key }, id);
      if (row?.pack === pack)
        await journal.commit({ op: "begin", bucket, key, id, body: row.body });
      return true;
    });
  }

  /** What was marked and is in another pack is marked once more, as it is now. */
  async #carryMark(
    { bucket, key, id }: LogRecord & { op: "mark" },
    pack: number,
    marked: Set<number>,
  ): Promise<boolean> {
    const { lookup, journal, turns } = this.#parts;
    if (marked.has(id)) return true;
    marked.add(id);
    return turns.run(`${bucket} ${key}`, async () => {
      const row = lookup.byId({ bucket, key }, id);
      if (row && row.pack !== pack)
        await journal.commit({ op: "mark", bucket, key, id, body: row.body });
      return true;
    });
  }

  /** As it is on disk; undefined, and said, where it is damaged. */
  async #payload(row: PieceRow, key: string): Promise<Uint8Array | undefined> {
    try {
      return await this.#parts.pieces.payload(row);
    } catch (thrown) {
      const { pack, at } = row;
      this.#parts.report.error("an object is damaged", { key, pack, at, error: thrown });
      return undefined;
    }
  }
}

function factsOf({ size, file, salt, isPacked }: PieceRow): PieceFacts {
  return {
    size,
    ...(file > 0 && { file }),
    ...(salt !== null && { salt }),
    ...(isPacked === 1 && { isPacked: true as const }),
  };
}
