import { rmSync, statSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { messageOf } from "#/base/errors.ts";
import type { AnyRecord } from "#/model/record.ts";
import { indexOfTask, stepOfTask } from "#/model/task.ts";
import { decodeChanges, decodeRecord, decodeRecords } from "../../codec.ts";
import { isBusy } from "./errors.ts";
import { faultOfRecord } from "./load.ts";

/** Faults of a log that `repairSqlite` can mend without losing a record. */
export type Mendable = "write-ahead" | "changes" | "names" | "indexes" | "twice";

export interface LogFault {
  detail: string;
  mend?: Mendable;
}

export interface Examined {
  /** "in-use": another process has it open, and nothing was looked at. */
  state: "examined" | "in-use" | "missing";
  faults: LogFault[];
  /** How often it was opened for writing. */
  epoch: number;
}

const told = 5;

/**
 * Looks at every row of a log without changing it, and gives each record that can be read to `onRecord`.
 * What a start reads is a part of this: it looks only at what it needs, to be quick.
 */
export function examineSqlite(
  file: string,
  onRecord: (record: AnyRecord, isLive: boolean) => void,
): Examined {
  if (!statSync(file, { throwIfNoEntry: false })) return { state: "missing", faults: [], epoch: 0 };
  const hadIndex = statSync(`${file}-shm`, { throwIfNoEntry: false }) !== undefined;
  const faults: LogFault[] = [];
  let epoch = 0;
  let database: DatabaseSync | undefined;
  try {
    // Reading only, so that closing it does not move the write-ahead log into the database.
    database = new DatabaseSync(file, { readOnly: true, timeout: 0 });
    const look = new Look(database, file, faults);
    epoch = look.meta("epoch");
    look.pages();
    look.writeAhead();
    look.changes();
    look.records(onRecord);
  } catch (thrown) {
    if (isBusy(thrown)) return { state: "in-use", faults: [], epoch };
    faults.push({ detail: `It cannot be read to its end: ${messageOf(thrown)}` });
  } finally {
    database?.close();
    if (!hadIndex) rmSync(`${file}-shm`, { force: true });
  }
  return { state: "examined", faults, epoch };
}

class Look {
  #database: DatabaseSync;
  #file: string;
  #faults: LogFault[];
  #counts = new Map<string, number>();

  constructor(database: DatabaseSync, file: string, faults: LogFault[]) {
    this.#database = database;
    this.#file = file;
    this.#faults = faults;
  }

  meta(key: string): number {
    const row = this.#database.prepare("SELECT value FROM meta WHERE key = ?").get(key);
    return Number(row?.["value"] ?? 0);
  }

  /** SQLite's own check of its pages and indexes. */
  pages(): void {
    const rows = this.#database.prepare("PRAGMA integrity_check(20)").all();
    for (const { integrity_check: detail } of rows as { integrity_check: string }[]) {
      if (detail === "ok") continue;
      const isIndex = /missing from index|wrong # of entries in index/.test(detail);
      this.#fault("pages", `SQLite finds: ${detail}`, isIndex ? "indexes" : undefined);
    }
  }

  writeAhead(): void {
    const name = `${this.#file}-wal`;
    const sizeBytes = statSync(name, { throwIfNoEntry: false })?.size ?? 0;
    if (this.meta("open") === 1 && sizeBytes === 0) {
      const detail = `What was acknowledged last is in ${name}, which is missing`;
      this.#fault("write-ahead", detail, "write-ahead");
    }
  }

  changes(): void {
    const pack = this.#database.prepare("SELECT body FROM packs WHERE first = ?");
    const packed = (first: number) => decodeRecords(String(pack.get(first)!["body"]));
    let next: number | undefined;
    for (const row of this.#rows("SELECT sequence, body FROM changes ORDER BY sequence")) {
      const sequence = row["sequence"] as number;
      if (next !== undefined && sequence !== next)
        this.#fault("changes", `Batch ${next} of the changes is missing`, "changes");
      next = sequence + 1;
      try {
        decodeChanges(String(row["body"]), packed);
      } catch (thrown) {
        const detail = `Batch ${sequence} of the changes is damaged: ${messageOf(thrown)}`;
        this.#fault("changes", detail, "changes");
      }
    }
    const newest = this.#rows("SELECT serial FROM changes ORDER BY sequence DESC LIMIT 1");
    const serial = Number([...newest][0]?.["serial"] ?? 0);
    const [last] = this.#rows(`SELECT max(serial) AS last FROM (
      SELECT max(serial) AS serial FROM live UNION ALL SELECT max(serial) FROM archive UNION ALL SELECT max(first) FROM packs)`);
    if (Number(last?.["last"] ?? 0) > serial)
      this.#fault(
        "changes",
        `The newest batches are missing: they end at record ${serial}`,
        "changes",
      );
  }

  records(onRecord: (record: AnyRecord, isLive: boolean) => void): void {
    const isLiveToo = this.#database.prepare("SELECT 1 FROM live WHERE serial = ?");
    const see = (serial: number, body: string, isLive: boolean) => {
      const fault = faultOfRecord(serial, body);
      if (fault !== undefined) this.#fault("records", `Record ${serial} is damaged: ${fault}`);
      else {
        const record = decodeRecord(body);
        this.#name(record);
        onRecord(record, isLive);
      }
    };
    for (const row of this.#rows("SELECT serial, body FROM live ORDER BY serial"))
      see(row["serial"] as number, String(row["body"]), true);
    for (const row of this.#rows("SELECT serial, body FROM archive ORDER BY serial")) {
      const serial = row["serial"] as number;
      if (isLiveToo.get(serial))
        this.#fault("twice", `Record ${serial} is live and archived`, "twice");
      else see(serial, String(row["body"]), false);
    }
    for (const row of this.#rows("SELECT first, gone, body FROM packs ORDER BY first"))
      this.#pack(row, onRecord);
  }

  #pack(
    row: Record<string, unknown>,
    onRecord: (record: AnyRecord, isLive: boolean) => void,
  ): void {
    try {
      const gone = new Set(JSON.parse((row["gone"] as string | null) ?? "[]") as number[]);
      for (const record of decodeRecords(String(row["body"]))) {
        this.#name(record);
        if (!gone.has(record.serial)) onRecord(record, false);
      }
    } catch (thrown) {
      const first = String(row["first"]);
      this.#fault(
        "records",
        `The ended tasks from record ${first} on are damaged: ${messageOf(thrown)}`,
      );
    }
  }

  /** A task must be found by its name where it is. */
  #name({ kind, name, serial }: AnyRecord): void {
    if (kind !== "task") return;
    const index = indexOfTask(name);
    const row = this.#extent().get(stepOfTask(name), index) as
      | { first: number; serial: number; count: number }
      | undefined;
    const isFound =
      row && index < row.first + row.count && row.serial + index - row.first === serial;
    if (!isFound) this.#fault("names", `The task ${name} is not found by its name`, "names");
  }

  #extentStatement: ReturnType<DatabaseSync["prepare"]> | undefined;

  #extent() {
    return (this.#extentStatement ??= this.#database.prepare(
      "SELECT first, serial, count FROM extents WHERE step = ? AND first <= ? ORDER BY first DESC LIMIT 1",
    ));
  }

  #rows(sql: string): Iterable<Record<string, unknown>> {
    return this.#database.prepare(sql).iterate() as Iterable<Record<string, unknown>>;
  }

  /** A few of a sort are told, the rest only counted as one. */
  #fault(sort: string, detail: string, mend?: Mendable): void {
    const count = (this.#counts.get(sort) ?? 0) + 1;
    this.#counts.set(sort, count);
    if (count > told + 1) return;
    const text = count > told ? "There are more of that sort" : detail;
    this.#faults.push({ detail: text, ...(mend && { mend }) });
  }
}
