import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { ListAsked } from "../object-store.ts";
import { afterPrefix } from "./names.ts";
import type { UploadRow, VersionRow } from "./rows.ts";

/** Where to go on: at `key`, or among its versions below `belowId`. */
export interface Cursor {
  key: string;
  /** Of uploads, which come oldest first: above it. */
  belowId?: number | undefined;
}

/** A page of keys, in the order of their bytes. */
interface Page<Row> {
  rows: Row[];
  commonPrefixes: string[];
  /** The last key or common prefix of this page, when there is more; the id too where the last is a row. */
  next?: { after: string; id?: number };
}

/** A text is less than any blob, so that this is above all keys. */
const aboveAll = new Uint8Array(1);

/** Where a list begins. Undefined when nothing can follow. */
export function startOf(asked: Pick<ListAsked, "prefix" | "delimiter" | "after">) {
  const key = firstKey(asked);
  return key === undefined ? undefined : { key };
}

function firstKey({
  prefix = "",
  delimiter,
  after,
}: Pick<ListAsked, "prefix" | "delimiter" | "after">): string | undefined {
  if (after === undefined || !isAtOrAfter(after, prefix)) return prefix;
  const isRolledUp =
    delimiter &&
    after.startsWith(prefix) &&
    after.length >= prefix.length + delimiter.length &&
    after.indexOf(delimiter, prefix.length) === after.length - delimiter.length;
  return isRolledUp ? afterPrefix(after) : `${after}\0`;
}

function isAtOrAfter(after: string, prefix: string): boolean {
  return prefix === "" || Buffer.compare(Buffer.from(after), Buffer.from(prefix)) >= 0;
}

/**
 * One page. `fetch` gives rows from `from` on with keys below `to`, in order, and `following` what comes after a row. Where
 * a delimiter rolls keys up, the next one is looked for behind all of them, so that a page costs as many steps as it has entries.
 */
function readPage<Row extends { key: string; id: number }>(
  { prefix = "", delimiter, max }: Pick<ListAsked, "prefix" | "delimiter" | "max">,
  parts: {
    start: Cursor | undefined;
    fetch: (from: Cursor, to: string | Uint8Array, max: number) => Row[];
    following: (row: Row) => Cursor;
  },
): Page<Row> {
  const page: Page<Row> = { rows: [], commonPrefixes: [] };
  const to = (prefix === "" ? undefined : afterPrefix(prefix)) ?? aboveAll;
  let from = max > 0 ? parts.start : undefined;
  let last: { after: string; id?: number } | undefined;
  let fetchMax = delimiter ? fetchFirst : max + 1;
  while (from !== undefined) {
    const rows = parts.fetch(from, to, fetchMax);
    from = rows.length < fetchMax ? undefined : parts.following(rows.at(-1)!);
    fetchMax = Math.min(2 * fetchMax, max + 1);
    for (const row of rows) {
      if (page.rows.length + page.commonPrefixes.length >= max) return { ...page, next: last! };
      const at = delimiter ? row.key.indexOf(delimiter, prefix.length) : -1;
      if (at < 0) {
        page.rows.push(row);
        last = { after: row.key, id: row.id };
        continue;
      }
      const rolledUp = row.key.slice(0, at + delimiter!.length);
      page.commonPrefixes.push(rolledUp);
      last = { after: rolledUp };
      const key = afterPrefix(rolledUp);
      from = key === undefined ? undefined : { key };
      fetchMax = fetchFirst;
      break;
    }
  }
  return page;
}

const fetchFirst = 4;

/** What lists read. */
export class Lists {
  #statements: ReturnType<typeof prepare>;

  constructor(database: DatabaseSync) {
    this.#statements = prepare((text) => database.prepare(text));
  }

  current(bucket: number, asked: ListAsked): Page<VersionRow> {
    // What is rolled up needs no more than its key.
    const of = asked.delimiter ? "names" : "current";
    const page = readPage(asked, {
      start: startOf(asked),
      fetch: ({ key }, to, max) => this.#all<VersionRow>(of, bucket, key, to, max),
      following: ({ key }) => ({ key: `${key}\0` }),
    });
    if (of === "current") return page;
    const whole = ({ key, id }: VersionRow) => ({
      ...(this.#statements.version.get(id) as unknown as VersionRow),
      key,
    });
    return { ...page, rows: page.rows.map(whole) };
  }

  /** Newest first among those of a key. */
  versions(
    bucket: number,
    asked: ListAsked,
    start: Cursor | undefined,
  ): Page<VersionRow & { isCurrent: number }> {
    return readPage(asked, {
      start,
      fetch: ({ key, belowId }, to, max) => {
        if (belowId === undefined)
          return this.#all<VersionRow & { isCurrent: number }>("versions", bucket, key, to, max);
        const below = this.#statements.below.all(
          bucket,
          key,
          belowId,
          max,
        ) as unknown as (VersionRow & {
          isCurrent: number;
        })[];
        const rest = max - below.length;
        if (rest > 0)
          below.push(...this.#all<(typeof below)[0]>("versions", bucket, `${key}\0`, to, rest));
        return below;
      },
      following: ({ key, id }) => ({ key, belowId: id }),
    });
  }

  uploads(bucket: number, asked: ListAsked, start: Cursor | undefined): Page<UploadRow> {
    return readPage(asked, {
      start,
      fetch: ({ key, belowId: aboveId }, to, max) => {
        if (aboveId === undefined) return this.#all<UploadRow>("uploads", bucket, key, to, max);
        const above = this.#statements.above.all(
          bucket,
          key,
          aboveId,
          max,
        ) as unknown as UploadRow[];
        const rest = max - above.length;
        if (rest > 0) above.push(...this.#all<UploadRow>("uploads", bucket, `${key}\0`, to, rest));
        return above;
      },
      following: ({ key, id }) => ({ key, belowId: id }),
    });
  }

  /** Of versions and uploads: whether there are any. */
  isEmpty(bucket: number): boolean {
    return this.#statements.any.get(bucket, bucket) === undefined;
  }

  #all<Row>(
    of: "current" | "names" | "versions" | "uploads",
    bucket: number,
    from: string,
    to: string | Uint8Array,
    max: number,
  ): Row[] {
    const range = [bucket, from, to];
    const all = of === "versions" ? [...range, ...range, max] : [...range, max];
    return this.#statements[of].all(...all) as unknown as Row[];
  }
}

function prepare(sql: (text: string) => StatementSync) {
  const range = "WHERE bucket = ? AND key >= ? AND key < ?";
  const both = `SELECT key, id, 1 AS isCurrent FROM current ${range} UNION ALL SELECT key, id, 0 FROM older ${range}`;
  const joined = (names: string) =>
    `SELECT key, isCurrent, versions.* FROM (${names}) AS names JOIN versions ON versions.id = names.id`;
  return {
    current: sql(
      `SELECT key, versions.* FROM current JOIN versions ON versions.id = current.id ${range} ORDER BY key LIMIT ?`,
    ),
    names: sql(`SELECT key, id FROM current ${range} ORDER BY key LIMIT ?`),
    version: sql("SELECT * FROM versions WHERE id = ?"),
    versions: sql(`${joined(`${both} ORDER BY 1, 2 DESC LIMIT ?`)} ORDER BY key, versions.id DESC`),
    below: sql(
      `SELECT key, 0 AS isCurrent, versions.* FROM older JOIN versions ON versions.id = older.id
       WHERE bucket = ? AND key = ? AND older.id < ? ORDER BY older.id DESC LIMIT ?`,
    ),
    uploads: sql(`SELECT * FROM uploads ${range} ORDER BY key, id LIMIT ?`),
    above: sql("SELECT * FROM uploads WHERE bucket = ? AND key = ? AND id > ? ORDER BY id LIMIT ?"),
    any: sql(
      "SELECT 1 FROM current WHERE bucket = ? UNION ALL SELECT 1 FROM older WHERE bucket = ? LIMIT 1",
    ),
  };
}
