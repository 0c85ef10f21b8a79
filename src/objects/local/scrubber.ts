import type { DatabaseSync, StatementSync } from "node:sqlite";
import { sleep, type Clock } from "#/base/clock.ts";
import { limits } from "#/base/limits.ts";
import type { Log } from "#/base/log.ts";
import { AwsError } from "#/model/aws-error.ts";
import type { Catalog } from "./catalog.ts";
import { placeOf } from "./examine.ts";
import { faultOf, type PieceReader } from "./reading.ts";
import type { PieceRow } from "./rows.ts";

export interface DamagedObject {
  /** Number of the version, or of the part. */
  id: number;
  bucket: string;
  key: string;
  why: string;
  seenMs: number;
}

/**
 * Reads everything that is kept, slowly, to find what the disk has lost while there may still be a copy elsewhere. It goes by the
 * numbers of versions, then by those of parts, and goes on where it was when the process ended. What it finds is
 * logged, and kept until the object is gone, for `canopy doctor`.
 */
export class Scrubber {
  #catalog: Catalog;
  #pieces: PieceReader;
  #clock: Clock;
  #report: Log;
  #statements: ReturnType<typeof prepare>;
  #isStopped = false;

  constructor(parts: { catalog: Catalog; pieces: PieceReader; clock: Clock; report: Log }) {
    this.#catalog = parts.catalog;
    this.#pieces = parts.pieces;
    this.#clock = parts.clock;
    this.#report = parts.report;
    this.#statements = prepare(parts.catalog.database);
  }

  stop(): void {
    this.#isStopped = true;
  }

  /** Goes on with a run, or begins the next one when it is time. */
  async look(): Promise<void> {
    const begunMs = this.#catalog.mark("scrubBegunMs");
    const isUnderWay = this.#catalog.mark("scrubbed") > 0;
    const now = this.#clock.now();
    if (begunMs === 0) this.#catalog.setMark("scrubBegunMs", now);
    else if (isUnderWay || now - begunMs >= limits.scrubEveryMs) await this.run({ isPaced: true });
  }

  async run({ isPaced }: { isPaced: boolean }): Promise<void> {
    if (this.#catalog.mark("scrubbed") === 0)
      this.#catalog.setMark("scrubBegunMs", this.#clock.now());
    for (const table of ["scrubbed", "scrubbedPieces"] as const) {
      for (;;) {
        const rows = this.#next(table);
        if (rows.length === 0) break;
        for (const row of rows) {
          if (this.#isStopped) return;
          await this.#look(table, row, isPaced);
        }
        this.#catalog.setMark(table, rows.at(-1)!.id);
      }
    }
    this.#catalog.setMark("scrubbed", 0);
    this.#catalog.setMark("scrubbedPieces", 0);
  }

  /** What was found and is still there. */
  damaged(): DamagedObject[] {
    return this.#statements.damaged.all() as unknown as DamagedObject[];
  }

  #next(table: "scrubbed" | "scrubbedPieces"): PieceRow[] {
    const after = this.#catalog.mark(table);
    return this.#statements[table].all(after, limits.scrubRowsAtOnce) as unknown as PieceRow[];
  }

  async #look(
    table: "scrubbed" | "scrubbedPieces",
    row: PieceRow,
    isPaced: boolean,
  ): Promise<void> {
    try {
      for await (const bytes of this.#pieces.verify(row)) {
        if (this.#isStopped) return;
        if (isPaced) await this.#rest(bytes);
      }
      this.#forget(row.id);
    } catch (thrown) {
      const again = table === "scrubbed" ? "version" : "piece";
      const now = this.#statements[again].get(row.id) as unknown as PieceRow | undefined;
      if (!now) return; // it went meanwhile
      if (now.pack !== row.pack || now.at !== row.at) return await this.#look(table, now, isPaced);
      const why = faultOf(thrown);
      if (why !== undefined) this.#note(table, row, why);
      else if (!(thrown instanceof AwsError)) throw thrown; // a cluster that is away says nothing of its bytes
    }
  }

  #rested = 0;

  async #rest(bytes: number): Promise<void> {
    this.#rested += bytes;
    if (this.#rested < limits.scrubBytesASecond / 10) return;
    const ms = (1000 * this.#rested) / limits.scrubBytesASecond;
    this.#rested = 0;
    await sleep(this.#clock, ms);
  }

  #note(table: "scrubbed" | "scrubbedPieces", row: PieceRow, why: string): void {
    const kind = table === "scrubbed" ? "versions" : "pieces";
    const { bucket, key } = placeOf(this.#catalog.database, kind, row.id);
    this.#report.error("an object is damaged", { bucket, key, id: row.id, pack: row.pack, why });
    this.#catalog.begin();
    this.#statements.note.run(row.id, bucket, key, why, this.#clock.now());
  }

  #forget(id: number): void {
    if (!this.#statements.isNoted.get(id)) return;
    this.#catalog.begin();
    this.#statements.forget.run(id);
  }
}

function prepare(database: DatabaseSync) {
  const sql = (text: string): StatementSync => database.prepare(text);
  return {
    scrubbed: sql("SELECT * FROM versions WHERE id > ? AND length > 0 ORDER BY id LIMIT ?"),
    scrubbedPieces: sql("SELECT * FROM pieces WHERE id > ? ORDER BY id LIMIT ?"),
    version: sql("SELECT * FROM versions WHERE id = ?"),
    piece: sql("SELECT * FROM pieces WHERE id = ?"),
    note: sql("INSERT OR REPLACE INTO damage VALUES (?, ?, ?, ?, ?)"),
    isNoted: sql("SELECT 1 FROM damage WHERE id = ?"),
    forget: sql("DELETE FROM damage WHERE id = ?"),
    damaged: sql(
      `SELECT * FROM damage WHERE id IN (SELECT id FROM versions) OR id IN (SELECT id FROM pieces) ORDER BY id`,
    ),
  };
}
