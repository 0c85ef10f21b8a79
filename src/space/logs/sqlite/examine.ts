import { rmSync, statSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { messageOf } from "#/base/errors.ts";
import type { AnyRecord } from "#/model/record.ts";
import { indexOfTask, stepOfTask } from "#/model/task.ts";
import { decodeChanges, decodeRecords } from "../../codec.ts";
import { Examination, type LogFault, type OnRecord } from "../examination.ts";
import type { Extent } from "../extents.ts";
import { isBusy } from "./errors.ts";

/**
 * Looks at every row of a log without changing it, and gives each record that can be read to `onRecord`.
 * "in-use": another process has it open, and nothing was looked at. What a start reads is a part of this: it looks only at what it needs, to be quick.
 */
export function examineSqlite(file: string, onRecord: OnRecord): LogFault[] | "in-use" {
  const hadIndex = statSync(`${file}-shm`, { throwIfNoEntry: false }) !== undefined;
  const examination = new Examination(onRecord);
  const { faults } = examination;
  let database: DatabaseSync | undefined;
  try {
    // Reading only, so that closing it does not move the write-ahead log into the database.
    database = new DatabaseSync(file, { readOnly: true, timeout: 0 });
    const look = new Look(database, file, examination);
    look.pages();
    look.writeAhead();
    look.changes();
    look.records();
  } catch (thrown) {
    if (isBusy(thrown)) return "in-use";
    faults.push({ detail: `It cannot be read to its end: ${messageOf(thrown)}` });
  } finally {
    database?.close();
    if (!hadIndex) rmSync(`${file}-shm`, { force: true });
  }
  return faults;
}

class Look {
  #database: DatabaseSync;
  #file: string;
  #examination: Examination;

  constructor(database: DatabaseSync, file: string, examination: Examination) {
    this.#database = database;
    this.#file = file;
    this.#examination = examination;
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
      this.#examination.fault("pages", `SQLite finds: ${detail}`, isIndex ? "indexes" : undefined);
    }
  }

  writeAhead(): void {
    const name = `${this.#file}-wal`;
    const sizeBytes = statSync(name, { throwIfNoEntry: false })?.size ?? 0;
    if (this.meta("open") === 1 && sizeBytes === 0) {
      const detail = `What was acknowledged last is in ${name}, which is missing`;
      this.#examination.fault("write-ahead", detail, "write-ahead");
    }
  }

  changes(): void {
    const pack = this.#database.prepare("SELECT body FROM packs WHERE first = ?");
    const packed = (first: number) => decodeRecords(String(pack.get(first)!["body"]));
    for (const row of this.#rows("SELECT sequence, body FROM changes ORDER BY sequence")) {
      const decode = () => decodeChanges(String(row["body"]), packed);
      this.#examination.batch(row["sequence"] as number, decode);
    }
    const newest = this.#rows("SELECT serial FROM changes ORDER BY sequence DESC LIMIT 1");
    const serial = Number([...newest][0]?.["serial"] ?? 0);
    const [last] = this.#rows(`SELECT max(serial) AS last FROM (
      SELECT max(serial) AS serial FROM live UNION ALL SELECT max(serial) FROM archive UNION ALL SELECT max(first) FROM packs)`);
    if (Number(last?.["last"] ?? 0) > serial) this.#examination.endsEarly(serial);
  }

  records(): void {
    const isLiveToo = this.#database.prepare("SELECT 1 FROM live WHERE serial = ?");
    const see = (serial: number, body: string, isLive: boolean) => {
      const record = this.#examination.record(serial, body, isLive);
      if (record) this.#name(record);
    };
    for (const row of this.#rows("SELECT serial, body FROM live ORDER BY serial"))
      see(row["serial"] as number, String(row["body"]), true);
    for (const row of this.#rows("SELECT serial, body FROM archive ORDER BY serial")) {
      const serial = row["serial"] as number;
      if (isLiveToo.get(serial)) this.#examination.twice(serial);
      else see(serial, String(row["body"]), false);
    }
    for (const row of this.#rows("SELECT first, gone, body FROM packs ORDER BY first"))
      this.#pack(row);
  }

  #pack(row: Record<string, unknown>): void {
    try {
      const gone = new Set(JSON.parse((row["gone"] as string | null) ?? "[]") as number[]);
      for (const record of decodeRecords(String(row["body"]))) {
        this.#name(record);
        if (!gone.has(record.serial)) this.#examination.see(record, false);
      }
    } catch (thrown) {
      const first = String(row["first"]);
      this.#examination.fault(
        "records",
        `The ended tasks from record ${first} on are damaged: ${messageOf(thrown)}`,
      );
    }
  }

  #name(record: AnyRecord): void {
    const { kind, name } = record;
    if (kind !== "task") return;
    const extent = this.#extent().get(stepOfTask(name), indexOfTask(name));
    this.#examination.named(record, extent as unknown as Extent | undefined);
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
}
