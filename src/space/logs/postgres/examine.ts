import { messageOf } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import type { Connection } from "#/base/node/postgres/connection.ts";
import { failureOf } from "#/base/node/postgres/failures.ts";
import { Examination, type LogFault, type OnRecord } from "../examination.ts";
import { findExtents } from "./archive.ts";
import { decodeBatch } from "./changes.ts";
import { wrongDigest } from "./reading.ts";
import { quoted } from "./schema.ts";

const pageRows = 1000;

/**
 * Looks at every row of a log as of one moment, without changing it, also while control planes work, and
 * gives each record that can be read to `onRecord`. Throws what a lost connection throws.
 */
export async function examinePostgres(
  connection: Connection,
  schema: string,
  onRecord: OnRecord,
): Promise<LogFault[]> {
  const examination = new Examination(onRecord);
  const look = new Look(connection, quoted(schema), examination);
  await connection.query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
  try {
    await look.indexes();
    await look.identity();
    await look.changes();
    await look.records();
  } catch (thrown) {
    if (failureOf(thrown) === "lost") throw thrown;
    examination.fault("pages", `It cannot be read to its end: ${messageOf(thrown)}`);
  }
  await connection.query("ROLLBACK");
  return examination.faults;
}

/** What an index holds must be what its table does: the rows that each should find. */
const indexes: [table: string, rows: string][] = [
  ["live", "true"],
  ["archive", "true"],
  ["archive", "kind > '' AND name IS NOT NULL"],
  ["archive", "kind = 'task' AND phase <> 'succeeded'"],
  ["changes", "true"],
  ["extents", "true"],
];

interface Head {
  epoch: number;
  sequence: number;
  serial: number;
  live: number;
}

class Look {
  #connection: Connection;
  #s: string;
  #examination: Examination;
  #head: Head | undefined;
  /** Where the changes end, and the records. */
  #serial = 0;
  #newestSerial = 0;
  #endsEarly = false;

  constructor(connection: Connection, s: string, examination: Examination) {
    this.#connection = connection;
    this.#s = s;
    this.#examination = examination;
  }

  async indexes(): Promise<void> {
    for (const [table, rows] of indexes) {
      const sql = `SELECT count(*) AS count FROM ${this.#s}.${table} WHERE ${rows}`;
      const found = await this.#count(sql);
      await this.#preferIndexes(false);
      const held = await this.#count(sql);
      await this.#preferIndexes(true);
      if (found === held) continue;
      const detail = `The indexes of '${table}' must find its ${held} rows: they find ${found}`;
      this.#fault("indexes", detail, "indexes");
    }
  }

  async #preferIndexes(on: boolean): Promise<void> {
    await this.#connection.query(
      `SET LOCAL enable_seqscan = ${on ? "off" : "on"}; SET LOCAL enable_indexscan = ${on ? "on" : "off"};
       SET LOCAL enable_indexonlyscan = ${on ? "on" : "off"}`,
    );
  }

  /** Not prepared, so that it is planned as is preferred now. */
  async #count(sql: string): Promise<number> {
    const [row] = await this.#connection.query<{ count: number }>(
      sql,
      undefined,
      limits.postgresScanMs,
    );
    return row!.count;
  }

  async identity(): Promise<void> {
    const rows = await this.#query(`SELECT FROM ${this.#s}.meta WHERE key = 'id'`);
    if (rows.length === 0)
      this.#fault("leader", "What tells this log from any other is missing", "leader");
  }

  async changes(): Promise<void> {
    const [head] = await this.#query<Head>(
      `SELECT epoch, sequence, serial, live FROM ${this.#s}.leader`,
    );
    this.#head = head;
    let [newest, epochMax] = [0, 0];
    for (let after = -1; ;) {
      const rows = await this.#query<Changed>(
        `SELECT sequence, epoch, serial, digest = md5(body)::uuid AS same, ops, body FROM ${this.#s}.changes
           WHERE sequence > $1 ORDER BY sequence LIMIT $2`,
        [after, pageRows / 10],
      );
      for (const { sequence, epoch, same, ops, body } of rows) {
        epochMax = Math.max(epochMax, epoch);
        this.#examination.batch(sequence, () => {
          if (!same) throw new Error(wrongDigest);
          decodeBatch({ ops, body });
        });
      }
      if (rows.length === 0) break;
      newest = after = rows.at(-1)!.sequence;
      this.#serial = rows.at(-1)!.serial;
    }
    if (!head) {
      const detail = "The row that says who leads, and what came last, is missing";
      this.#fault("leader", detail, "leader");
      return;
    }
    this.#atLeast("epoch", head.epoch, epochMax);
    this.#atLeast("batch", head.sequence, newest);
    this.#endsEarly = newest < head.sequence;
  }

  async records(): Promise<void> {
    const live = await this.#table("live", "false");
    await this.#table(
      "archive",
      `EXISTS (SELECT FROM ${this.#s}.live WHERE live.serial = t.serial)`,
    );
    if (this.#endsEarly || this.#newestSerial > this.#serial)
      this.#examination.endsEarly(this.#serial);
    const head = this.#head;
    if (!head) return;
    this.#atLeast("record", head.serial, this.#newestSerial);
    if (live !== head.live)
      this.#fault("count", `There must be ${head.live} live records: there are ${live}`, "count");
  }

  /** What the row of the leader says is the newest must be as new as what there is. */
  #atLeast(what: string, said: number, found: number): void {
    const detail = `The newest ${what} is said to be ${said}: there is ${found}`;
    if (said < found) this.#fault("leader", detail, "leader");
  }

  /** Gives how many rows there are. */
  async #table(table: "live" | "archive", isTwice: string): Promise<number> {
    for (let [after, count] = [-1, 0]; ;) {
      const rows = await this.#query<{ serial: number; body: string; twice: boolean }>(
        `SELECT serial, body, ${isTwice} AS twice FROM ${this.#s}.${table} AS t
           WHERE serial > $1 ORDER BY serial LIMIT ${pageRows}`,
        [after],
      );
      await this.#page(rows, table === "live");
      count += rows.length;
      if (rows.length < pageRows) {
        this.#newestSerial = Math.max(this.#newestSerial, rows.at(-1)?.serial ?? after);
        return count;
      }
      after = rows.at(-1)!.serial;
    }
  }

  async #page(
    rows: readonly { serial: number; body: string; twice: boolean }[],
    isLive: boolean,
  ): Promise<void> {
    const tasks = rows.flatMap(({ serial, body, twice }) => {
      if (twice) this.#examination.twice(serial);
      const record = twice ? undefined : this.#examination.record(serial, body, isLive);
      return record?.kind === "task" ? [record] : [];
    });
    const extents = await findExtents(
      (sql, values) => this.#query(sql, values),
      this.#s,
      tasks.map(({ name }) => name),
    );
    tasks.forEach((task, index) => this.#examination.named(task, extents[index]));
  }

  #fault(...fault: Parameters<Examination["fault"]>): void {
    this.#examination.fault(...fault);
  }

  #query<Row>(sql: string, values: Parameters<Connection["query"]>[1] = []): Promise<Row[]> {
    return this.#connection.query<Row>(sql, values, limits.postgresScanMs);
  }
}

interface Changed {
  sequence: number;
  epoch: number;
  serial: number;
  same: boolean;
  ops: string;
  body: string;
}
