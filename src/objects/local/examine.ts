import { existsSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { messageOf } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import { BigFiles } from "./big-files.ts";
import { Packs } from "./packs.ts";
import { faultOf, PieceReader } from "./reading.ts";
import type { PieceRow } from "./rows.ts";

/** What a look at a folder of objects found. */
export interface StoreExamined {
  objects: number;
  bytes: number;
  /** Of each damaged object its bucket's id, its key, and why. */
  damaged: { bucket: string; key: string; why: string }[];
  /** Objects whose bytes are in another cluster, and were not read. */
  elsewhere: number;
  /** Why the index cannot be read: the next start makes it anew of the packs. */
  indexFault?: string;
}

/** Reads all objects in a folder, also while a cloud works with it. Undefined where there are none; changes nothing. */
export async function examineStore(folder: string): Promise<StoreExamined | undefined> {
  const file = join(folder, "index.sqlite");
  const found: StoreExamined = { objects: 0, bytes: 0, damaged: [], elsewhere: 0 };
  if (!existsSync(file)) {
    if (!existsSync(join(folder, "packs"))) return undefined;
    return { ...found, indexFault: "it is not there" };
  }
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(file, { readOnly: true, timeout: limits.catalogWaitMs });
    const use = database
      .prepare("SELECT sum(objects) AS objects, sum(bytes) AS bytes FROM buckets")
      .get();
    found.objects = Number(use?.["objects"] ?? 0);
    found.bytes = Number(use?.["bytes"] ?? 0);
    await readAll(database, folder, found);
  } catch (thrown) {
    found.indexFault = messageOf(thrown);
  } finally {
    if (database?.isOpen) database.close();
  }
  return found;
}

async function readAll(
  database: DatabaseSync,
  folder: string,
  found: StoreExamined,
): Promise<void> {
  const packs = new Packs(join(folder, "packs"));
  const pieces = new PieceReader({ packs, big: new BigFiles(join(folder, "files")) });
  const isElsewhere = existsSync(join(folder, "store-name"));
  try {
    for (const table of ["versions", "pieces"] as const) {
      const next = database.prepare(
        `SELECT * FROM ${table} WHERE id > ? AND length > 0 ORDER BY id LIMIT 64`,
      );
      const one = database.prepare(`SELECT pack, at FROM ${table} WHERE id = ?`);
      for (let after = 0; ;) {
        const rows = next.all(after) as unknown as PieceRow[];
        if (rows.length === 0) break;
        for (const row of rows) {
          if (row.file > 0 && isElsewhere) found.elsewhere++;
          const why = await faultIn(
            pieces,
            row.file > 0 && isElsewhere ? { ...row, file: 0 } : row,
          );
          const now = why === undefined ? undefined : one.get(row.id);
          if (why === undefined || now?.["pack"] !== row.pack || now["at"] !== row.at) continue;
          found.damaged.push({ ...placeOf(database, table, row.id), why });
        }
        after = rows.at(-1)!.id;
      }
    }
  } finally {
    packs.close();
  }
}

async function faultIn(pieces: PieceReader, row: PieceRow): Promise<string | undefined> {
  try {
    for await (const _ of pieces.verify(row));
    return undefined;
  } catch (thrown) {
    const why = faultOf(thrown);
    if (why === undefined) throw thrown;
    return why;
  }
}

/** Looks through all keys: for what is seldom. */
export function placeOf(
  database: DatabaseSync,
  table: "versions" | "pieces",
  id: number,
): { bucket: string; key: string } {
  const version =
    table === "versions"
      ? id
      : database
          .prepare("SELECT id FROM versions WHERE owner = (SELECT owner FROM pieces WHERE id = ?)")
          .get(id)?.["id"];
  const place = database
    .prepare(
      `SELECT buckets.id AS bucket, key FROM current JOIN buckets ON number = bucket WHERE current.id = ?1
       UNION ALL SELECT buckets.id, key FROM older JOIN buckets ON number = bucket WHERE older.id = ?1`,
    )
    .get(version ?? 0);
  // A part of an upload that is under way has no version yet.
  return (place as { bucket: string; key: string } | undefined) ?? { bucket: "", key: "" };
}
