import { createHash } from "node:crypto";
import type { Database } from "#/base/database.ts";
import { CanopyError } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import { readHead, requireKey, requireSize } from "./content.ts";
import type { ByteRange, Blobs, StoredBlob } from "./blobs.ts";

interface Found {
  upload: string;
  sizeBytes: number;
  partBytes: number;
  /** It was not touched for as long as was asked. */
  isOld: boolean;
}

/** Of equal content that is there already. */
const touchThere = "ON CONFLICT (project, key) DO UPDATE SET touched = clock_timestamp()";

/**
 * Blobs in a PostgreSQL database, where every control plane of a cell reaches them: rows of about a
 * megabyte. Right for what tasks take and give in the megabytes; a store such as S3 is the better place for
 * terabytes, behind the same port.
 *
 * Parts are written as they come, each in a transaction of its own under the number of their upload. The
 * last one makes the blob, so that nobody sees a part of one.
 */
export class PostgresBlobs implements Blobs {
  #database: Database;
  #s: string;

  /** Makes its tables, and removes what uploads left behind that nobody goes on with. */
  static async open(parts: { database: Database }): Promise<PostgresBlobs> {
    const { database } = parts;
    const s = database.schema;
    await database.make(
      "blobs",
      `
      CREATE TABLE ${s}.blobs (
        project text, key text, upload uuid NOT NULL, size_bytes bigint NOT NULL, part_bytes int NOT NULL,
        touched timestamptz NOT NULL DEFAULT clock_timestamp(), PRIMARY KEY (project, key)
      );
      CREATE TABLE ${s}.blob_parts (
        upload uuid, part int, body bytea NOT NULL, PRIMARY KEY (upload, part)
      );
      ALTER TABLE ${s}.blob_parts ALTER COLUMN body SET STORAGE EXTERNAL;
      CREATE TABLE ${s}.uploads (
        upload uuid PRIMARY KEY DEFAULT gen_random_uuid(), touched timestamptz NOT NULL DEFAULT clock_timestamp()
      );`,
    );
    await addTouched(database);
    await database.query(
      `WITH abandoned AS (
         DELETE FROM ${s}.uploads WHERE touched < clock_timestamp() - $1 * interval '1 millisecond' RETURNING upload
       ) DELETE FROM ${s}.blob_parts USING abandoned WHERE blob_parts.upload = abandoned.upload`,
      [limits.uploadAbandonedMs],
    );
    return new PostgresBlobs(database);
  }

  private constructor(database: Database) {
    this.#database = database;
    this.#s = database.schema;
  }

  async put(project: string, source: AsyncIterable<Uint8Array> | Uint8Array): Promise<StoredBlob> {
    if (source instanceof Uint8Array) return await this.#putWhole(project, source);
    const { head, rest } = await readHead(source);
    return rest
      ? await this.#putStream(project, head, rest)
      : await this.#putWhole(project, Buffer.concat(head));
  }

  async get(project: string, key: string, range?: ByteRange) {
    const found = await this.#find(project, key);
    if (!found) return undefined;
    const from = range?.offset ?? 0;
    const to = Math.min(found.sizeBytes, from + (range?.length ?? found.sizeBytes));
    return { sizeBytes: found.sizeBytes, content: this.#read(found, from, to) };
  }

  async stat(project: string, key: string): Promise<StoredBlob | undefined> {
    const found = await this.#touch(project, key);
    return found && { key, sizeBytes: found.sizeBytes };
  }

  async projects(): Promise<string[]> {
    const rows = await this.#database.query<{ project: string }>(
      `SELECT DISTINCT project FROM ${this.#s}.blobs ORDER BY project`,
    );
    return rows.map(({ project }) => project);
  }

  async *list(project: string): AsyncGenerator<StoredBlob> {
    for (let last = ""; ;) {
      const rows = await this.#database.query<{ key: string; size_bytes: string }>(
        `SELECT key, size_bytes FROM ${this.#s}.blobs WHERE project = $1 AND key > $2 ORDER BY key LIMIT $3`,
        [project, last, limits.pageMax],
      );
      for (const { key, size_bytes } of rows) yield { key, sizeBytes: Number(size_bytes) };
      if (rows.length < limits.pageMax) return;
      last = rows.at(-1)!.key;
    }
  }

  async remove(project: string, key: string): Promise<void> {
    requireKey(project, key);
    await this.#database.query(
      `WITH gone AS (DELETE FROM ${this.#s}.blobs WHERE project = $1 AND key = $2 RETURNING upload)
         DELETE FROM ${this.#s}.blob_parts USING gone WHERE blob_parts.upload = gone.upload`,
      [project, key],
    );
  }

  async isUntouched(project: string, key: string, untouchedMs: number) {
    const found = await this.#find(project, key, untouchedMs + limits.blobTouchedEveryMs);
    return found?.isOld;
  }

  async removeUntouched(
    project: string,
    key: string,
    untouchedMs: number,
  ): Promise<StoredBlob | "touched" | undefined> {
    requireKey(project, key);
    const [gone] = await this.#database.query<{ sizeBytes: number }>(
      `WITH gone AS (
         DELETE FROM ${this.#s}.blobs WHERE project = $1 AND key = $2
           AND touched < clock_timestamp() - $3 * interval '1 millisecond' RETURNING upload, size_bytes
       ), parts AS (
         DELETE FROM ${this.#s}.blob_parts USING gone WHERE blob_parts.upload = gone.upload
       ) SELECT size_bytes AS "sizeBytes" FROM gone`,
      [project, key, untouchedMs + limits.blobTouchedEveryMs],
    );
    if (gone) return { key, sizeBytes: Number(gone.sizeBytes) };
    return (await this.#find(project, key)) && "touched";
  }

  /** Moves a blob that is damaged to where nobody finds it; gives the table that tells its parts. */
  async setAside(project: string, key: string): Promise<string> {
    requireKey(project, key);
    const table = `${this.#s}.damaged_blobs`;
    await this.#database.query(
      `CREATE TABLE IF NOT EXISTS ${table} (LIKE ${this.#s}.blobs INCLUDING DEFAULTS)`,
    );
    await this.#database.query(
      `WITH gone AS (DELETE FROM ${this.#s}.blobs WHERE project = $1 AND key = $2 RETURNING *)
         INSERT INTO ${table} (project, key, upload, size_bytes, part_bytes)
           SELECT project, key, upload, size_bytes, part_bytes FROM gone`,
      [project, key],
    );
    return table;
  }

  /** One statement, so that it is there whole or not at all. */
  async #putWhole(project: string, content: Uint8Array): Promise<StoredBlob> {
    requireSize(content.byteLength);
    const key = createHash("sha256").update(content).digest("hex");
    requireKey(project, key);
    if (await this.#touch(project, key)) return { key, sizeBytes: content.byteLength };
    if (content.byteLength > limits.blobPartBytes)
      return await this.#putStream(project, [content], [][Symbol.iterator]());
    await this.#database.query(
      `WITH own AS (
         SELECT gen_random_uuid() AS upload
       ), made AS (
         INSERT INTO ${this.#s}.blobs SELECT $1, $2, upload, $3, $4 FROM own ${touchThere} RETURNING upload
       ) INSERT INTO ${this.#s}.blob_parts SELECT upload, 0, $5 FROM made JOIN own USING (upload)`,
      [project, key, content.byteLength, limits.blobPartBytes, content],
    );
    return { key, sizeBytes: content.byteLength };
  }

  async #putStream(
    project: string,
    head: Uint8Array[],
    rest: AsyncIterator<Uint8Array> | Iterator<Uint8Array>,
  ): Promise<StoredBlob> {
    const hash = createHash("sha256");
    let sizeBytes = 0;
    let part = 0;
    let upload: string | undefined;
    try {
      const [row] = await this.#database.query<{ upload: string }>(
        `INSERT INTO ${this.#s}.uploads DEFAULT VALUES RETURNING upload`,
      );
      upload = row!.upload;
      for await (const body of partsOf(head, rest)) {
        sizeBytes += body.byteLength;
        requireSize(sizeBytes);
        hash.update(body);
        await this.#writePart(upload, part++, body);
      }
      const key = hash.digest("hex");
      await this.#finish(project, { key, sizeBytes }, upload);
      return { key, sizeBytes };
    } catch (thrown) {
      if (upload !== undefined) await this.#abandon(upload).catch(() => undefined);
      throw thrown;
    } finally {
      await rest.return?.();
    }
  }

  async #writePart(upload: string, part: number, body: Uint8Array): Promise<void> {
    await this.#database.query(
      `WITH touched AS (
         UPDATE ${this.#s}.uploads SET touched = clock_timestamp() WHERE upload = $1 RETURNING upload
       ) INSERT INTO ${this.#s}.blob_parts SELECT upload, $2, $3 FROM touched`,
      [upload, part, body],
    );
  }

  /** Equal content that is there already stays, and what was sent again goes. */
  async #finish(project: string, { key, sizeBytes }: StoredBlob, upload: string): Promise<void> {
    requireKey(project, key);
    const [row] = await this.#database.query<{ done: number }>(
      `WITH done AS (DELETE FROM ${this.#s}.uploads WHERE upload = $3 RETURNING upload),
         made AS (
           INSERT INTO ${this.#s}.blobs SELECT $1, $2, upload, $4, $5 FROM done ${touchThere} RETURNING upload
         ), spared AS (
           DELETE FROM ${this.#s}.blob_parts WHERE upload = $3 AND NOT EXISTS (SELECT FROM made WHERE upload = $3)
         ) SELECT count(*) AS done FROM done`,
      [project, key, upload, sizeBytes, limits.blobPartBytes],
    );
    if (row!.done === 0)
      throw new CanopyError(
        "timeout",
        `Cannot keep this blob as its next part must come within ${limits.uploadAbandonedMs} ms`,
        { hint: "Send it again" },
      );
  }

  async #abandon(upload: string): Promise<void> {
    await this.#database.query(
      `WITH gone AS (DELETE FROM ${this.#s}.uploads WHERE upload = $1 RETURNING upload)
         DELETE FROM ${this.#s}.blob_parts USING gone WHERE blob_parts.upload = gone.upload`,
      [upload],
    );
  }

  async #find(
    project: string,
    key: string,
    oldMs = limits.blobTouchedEveryMs,
  ): Promise<Found | undefined> {
    requireKey(project, key);
    const [row] = await this.#database.query<Found>(
      `SELECT upload, size_bytes AS "sizeBytes", part_bytes AS "partBytes",
           touched < clock_timestamp() - $3 * interval '1 millisecond' AS "isOld" FROM ${this.#s}.blobs
         WHERE project = $1 AND key = $2`,
      [project, key, oldMs],
    );
    return row;
  }

  /** As `#find`. Not each time: what is asked for often would be written as often. */
  async #touch(project: string, key: string): Promise<Found | undefined> {
    const found = await this.#find(project, key);
    if (!found?.isOld) return found;
    const still = await this.#database.query(
      `UPDATE ${this.#s}.blobs SET touched = clock_timestamp() WHERE project = $1 AND key = $2 RETURNING upload`,
      [project, key],
    );
    return still.length > 0 ? found : undefined;
  }

  /** The next part is fetched while the last one is used. */
  async *#read({ upload, partBytes }: Found, from: number, to: number): AsyncGenerator<Uint8Array> {
    const ask = (at: number) => {
      const part = Math.floor(at / partBytes);
      const end = Math.min(to, (part + 1) * partBytes);
      const asked = this.#readPart(upload, part, at - part * partBytes, end - at);
      asked.catch(() => undefined); // awaited below, or not at all when the reader goes
      return { asked, end };
    };
    for (let next = from < to ? ask(from) : undefined; next;) {
      const { asked, end } = next;
      next = end < to ? ask(end) : undefined;
      yield await asked;
    }
  }

  async #readPart(
    upload: string,
    part: number,
    offset: number,
    length: number,
  ): Promise<Uint8Array> {
    const [row] = await this.#database.query<{ body: Uint8Array }>(
      `SELECT substring(body FROM $3::int FOR $4::int) AS body FROM ${this.#s}.blob_parts
         WHERE upload = $1 AND part = $2`,
      [upload, part, offset + 1, length],
    );
    if (row?.body.byteLength === length) return row.body;
    throw new CanopyError("not-found", "Cannot read this blob to its end as it was removed");
  }
}

/** The same bytes in pieces of one size, the last one smaller. */
async function* partsOf(
  head: readonly Uint8Array[],
  rest: AsyncIterator<Uint8Array> | Iterator<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  let pieces: Uint8Array[] = [];
  let bytes = 0;
  function* cut(piece: Uint8Array): Generator<Uint8Array> {
    for (let at = 0; at < piece.byteLength;) {
      const taken = piece.subarray(at, at + limits.blobPartBytes - bytes);
      pieces.push(taken);
      at += taken.byteLength;
      bytes += taken.byteLength;
      if (bytes < limits.blobPartBytes) continue;
      yield Buffer.concat(pieces);
      [pieces, bytes] = [[], 0];
    }
  }
  for (const piece of head) yield* cut(piece);
  for (let next = await rest.next(); !next.done; next = await rest.next()) yield* cut(next.value);
  if (bytes > 0) yield Buffer.concat(pieces);
}

/** For tables that were made when it was not yet noted. */
async function addTouched(database: Database): Promise<void> {
  const table = `${database.schema}.blobs`;
  const columns = await database.query(
    "SELECT FROM pg_attribute WHERE attrelid = to_regclass($1) AND attname = 'touched'",
    [table],
  );
  if (columns.length > 0) return;
  await database.query(
    `ALTER TABLE ${table} ADD COLUMN IF NOT EXISTS touched timestamptz NOT NULL DEFAULT clock_timestamp()`,
  );
}
