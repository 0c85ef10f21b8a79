import type { DatabaseSync, StatementSync } from "node:sqlite";
import { limits } from "#/base/limits.ts";
import type { AnyRecord, Change } from "#/model/record.ts";
import { decodeRecords } from "../../codec.ts";

/** A change with its record as it is written. */
export interface Encoded {
  readonly change: Change;
  readonly text: string;
}

/** Tasks that succeeded together, as one row: the serial of its first. */
export interface Pack {
  readonly first: number;
}

interface Row {
  first: number;
  last: number;
  gone: string | null;
  body: string;
}

/** Packs that were read last, decoded: who reads one ended task mostly reads its neighbours next. */
const decodedMax = 16;

/**
 * Where most of the archive is: tasks that succeeded, by the hundred in one row, as a row for each
 * would cost more than all else that is written of them. A pack holds ended tasks of a short span of
 * serials, not all of it; spans may overlap. A row is never written again; what is restored out of it
 * is only noted as gone, so that the history of changes, which names packs, stays whole.
 */
export class Packs {
  #add: StatementSync;
  #holding: StatementSync;
  #lastBefore: StatementSync;
  #at: StatementSync;
  #setGone: StatementSync;
  #decoded = new Map<number, ReadonlyMap<number, AnyRecord>>();

  /** Makes its table in a new file. */
  constructor(database: DatabaseSync) {
    database.exec(`
      CREATE TABLE IF NOT EXISTS packs (
        first INTEGER PRIMARY KEY, last INTEGER NOT NULL, gone TEXT, body TEXT NOT NULL
      ) STRICT`);
    this.#add = database.prepare("INSERT OR IGNORE INTO packs VALUES (?, ?, NULL, ?)");
    this.#holding = database.prepare(
      "SELECT first, last, gone, body FROM packs WHERE first BETWEEN ? AND ? AND last >= ? ORDER BY first DESC",
    );
    // Spans overlap: the pack that begins last need not be the one that ends last.
    this.#lastBefore = database.prepare(`
      SELECT max(last) AS last FROM packs
      WHERE first < ?1 AND first > (SELECT max(first) FROM packs WHERE first < ?1) - ?2`);
    this.#at = database.prepare("SELECT body FROM packs WHERE first = ?");
    this.#setGone = database.prepare("UPDATE packs SET gone = ? WHERE first = ?");
  }

  /**
   * Takes tasks of one step that succeeded one after the other, and gives what its rows are, in the
   * place of those that they hold. Few, or scattered ones are given back as they were.
   */
  add(ended: readonly Encoded[]): (Pack | Encoded)[] {
    const sorted = ended.toSorted((a, b) => serialOf(a) - serialOf(b));
    const written: (Pack | Encoded)[] = [];
    for (let from = 0, to = 1; from < sorted.length; from = to++) {
      const first = serialOf(sorted[from]!);
      while (
        to < sorted.length &&
        to - from < limits.packTasksMax &&
        serialOf(sorted[to]!) - first < limits.packSpanMax
      )
        to++;
      const part = sorted.slice(from, to);
      const isRow = part.length >= limits.packTasksMin && this.#write(first, part);
      if (isRow) written.push({ first });
      else written.push(...part);
    }
    return written;
  }

  /** False when there is a pack of that first serial. */
  #write(first: number, part: readonly Encoded[]): boolean {
    const body = part.map(({ text }) => text).join(",");
    return this.#add.run(first, serialOf(part.at(-1)!), body).changes === 1;
  }

  /** All that a pack was made of, what is gone from it too. */
  all(first: number): AnyRecord[] {
    return decodeRecords(this.#at.get(first)!["body"] as string);
  }

  get(serial: number): AnyRecord | undefined {
    for (const row of this.#rowsOf(serial, serial)) {
      const record = this.#records(row).get(serial);
      if (record) return record;
    }
    return undefined;
  }

  /** Those from `low` to `high`, in no order. */
  between(low: number, high: number): AnyRecord[] {
    return this.#rowsOf(low, high).flatMap((row) =>
      [...this.#records(row).values()].filter(({ serial }) => serial >= low && serial <= high),
    );
  }

  /** A serial below `serial`, at or above all that are here and below it; undefined when there are none. */
  below(serial: number): number | undefined {
    const last = this.#lastBefore.get(serial, limits.packSpanMax)!["last"] as number | null;
    return last === null ? undefined : Math.min(serial - 1, last);
  }

  /** It is archived here no more. Nothing happens when it was not. */
  remove(serial: number): void {
    for (const row of this.#rowsOf(serial, serial)) {
      if (!this.#records(row).has(serial)) continue;
      this.#setGone.run(JSON.stringify([...goneFrom(row), serial]), row.first);
      this.#decoded.delete(row.first);
    }
  }

  /** Forgets what it remembered of a transaction that was undone. */
  undo(): void {
    this.#decoded.clear();
  }

  #rowsOf(low: number, high: number): Row[] {
    return this.#holding.all(low - limits.packSpanMax, high, low) as unknown as Row[];
  }

  #records(row: Row): ReadonlyMap<number, AnyRecord> {
    const known = this.#decoded.get(row.first);
    if (known) return known;
    const gone = new Set(goneFrom(row));
    const records = new Map(
      decodeRecords(row.body)
        .filter(({ serial }) => !gone.has(serial))
        .map((record) => [record.serial, record]),
    );
    const [oldest] = this.#decoded.keys();
    if (oldest !== undefined && this.#decoded.size >= decodedMax) this.#decoded.delete(oldest);
    this.#decoded.set(row.first, records);
    return records;
  }
}

function serialOf({ change }: Encoded): number {
  return change.record.serial;
}

function goneFrom({ gone }: Row): number[] {
  return gone === null ? [] : (JSON.parse(gone) as number[]);
}
