import type { StatementSync } from "node:sqlite";
import type { DeleteMarker, ObjectPart, ObjectVersion } from "../object-version.ts";
import type { ObjectPlace } from "../object-store.ts";
import type { Catalog } from "./catalog.ts";
import { idOfVersion } from "./names.ts";
import type { KilledVersion } from "./record.ts";
import {
  versionColumns,
  versionRow,
  type PartRow,
  type UploadRow,
  type VersionRow,
} from "./rows.ts";

/** Finds by key. Rows are as the index has them; `version` makes of one what callers see. */
export class Lookup {
  #catalog: Catalog;
  #statements: ReturnType<typeof prepare>;
  /** The rows of versions that were given out. */
  #rows = new WeakMap<object, VersionRow>();

  constructor(catalog: Catalog) {
    this.#catalog = catalog;
    this.#statements = prepare((text) => catalog.database.prepare(text));
  }

  current({ bucket, key }: ObjectPlace): VersionRow | undefined {
    const number = this.#catalog.bucket(bucket)?.number;
    if (number === undefined) return undefined;
    this.#catalog.read();
    return versionRow(key, this.#statements.current.get(number, key));
  }

  /** The newest version, markers too. */
  newest(place: ObjectPlace): VersionRow | undefined {
    const current = this.current(place);
    if (current) return current;
    const number = this.#catalog.bucket(place.bucket)?.number;
    if (number === undefined) return undefined;
    return versionRow(place.key, this.#statements.newestOlder.get(number, place.key));
  }

  /** The version "null", wherever it is. */
  null(place: ObjectPlace): VersionRow | undefined {
    return this.nullOf(place, this.current(place));
  }

  /** The same where the current version is known. */
  nullOf(place: ObjectPlace, current: VersionRow | undefined): VersionRow | undefined {
    if (current && isNull(current)) return current;
    const number = this.#catalog.bucket(place.bucket)?.number;
    if (number === undefined) return undefined;
    return versionRow(place.key, this.#statements.olderNull.get(number, place.key));
  }

  named(place: ObjectPlace, versionId: string): VersionRow | undefined {
    if (versionId === "null") return this.null(place);
    const id = idOfVersion(versionId);
    if (id === undefined) return undefined;
    const row = this.byId(place, id);
    return row && versionIdOf(row) === versionId ? row : undefined;
  }

  upload({ bucket, key }: ObjectPlace, uploadId: string): UploadRow | undefined {
    const id = idOfVersion(uploadId);
    const row = id === undefined ? undefined : this.uploadById({ bucket, key }, id);
    return row && row.body.startsWith(`{"uploadId":"${uploadId}"`) ? row : undefined;
  }

  uploadById({ bucket, key }: ObjectPlace, id: number): UploadRow | undefined {
    const number = this.#catalog.bucket(bucket)?.number;
    if (number === undefined) return undefined;
    return this.#statements.upload.get(number, key, id) as unknown as UploadRow | undefined;
  }

  /** A version by its number: after a change, which kept it. */
  byId({ bucket, key }: ObjectPlace, id: number): VersionRow | undefined {
    const current = this.current({ bucket, key });
    if (current?.id === id) return current;
    const number = this.#catalog.bucket(bucket)?.number;
    if (number === undefined) return undefined;
    return versionRow(key, this.#statements.older.get(number, key, id));
  }

  /** What is said of a version that goes. */
  killOf(bucket: string, { id, key, pack, owner }: VersionRow): KilledVersion {
    if (owner === 0) return { bucket, packs: [pack], version: id, key };
    return { bucket, packs: [pack, ...this.packsOf(owner)], version: id, key, owner };
  }

  /** Packs that the parts of an object are in. */
  packsOf(owner: number): number[] {
    return this.#statements.packsOf.all(owner).map((row) => row["pack"] as number);
  }

  part(owner: number, number: number): PartRow | undefined {
    return this.#statements.part.get(owner, number) as unknown as PartRow | undefined;
  }

  parts(owner: number, after: number, max: number): PartRow[] {
    return this.#statements.parts.all(owner, after, max) as unknown as PartRow[];
  }

  /** What callers see of a row. */
  version(row: VersionRow, isLatest: boolean): ObjectVersion | DeleteMarker {
    const version = JSON.parse(row.body) as ObjectVersion | DeleteMarker;
    version.key = row.key;
    version.isLatest = isLatest;
    if (row.owner > 0) this.#addParts(version as ObjectVersion, row.owner);
    this.#rows.set(version, row);
    return version;
  }

  /** The row that a version was made of, if it was made here. */
  rowOf(version: ObjectVersion): VersionRow | undefined {
    return this.#rows.get(version);
  }

  /** There may be ten thousand, and few ask. */
  #addParts(version: ObjectVersion, owner: number): void {
    const read = () => this.parts(owner, 0, Number.MAX_SAFE_INTEGER).map(partOf);
    let parts: ObjectPart[] | undefined;
    Object.defineProperty(version, "parts", { enumerable: true, get: () => (parts ??= read()) });
  }
}

function isNull(row: VersionRow): boolean {
  return versionIdOf(row) === "null";
}

/** Every body begins with it. */
function versionIdOf({ body }: VersionRow): string {
  return body.slice(14, body.indexOf('"', 14));
}

export function partOf({ number, size, body }: PartRow): ObjectPart & { modifiedMs: number } {
  return { number, sizeBytes: size, ...(JSON.parse(body) as { etag: string; modifiedMs: number }) };
}

function prepare(sql: (text: string) => StatementSync) {
  const joined = `SELECT ${versionColumns} FROM`;
  const versions = (text: string) => {
    const statement = sql(text);
    statement.setReturnArrays(true);
    return statement;
  };
  return {
    current: versions(
      `${joined} current JOIN versions ON versions.id = current.id WHERE bucket = ? AND key = ?`,
    ),
    older: versions(
      `${joined} older JOIN versions ON versions.id = older.id WHERE bucket = ? AND key = ? AND older.id = ?`,
    ),
    newestOlder: versions(
      `${joined} older JOIN versions ON versions.id = older.id WHERE bucket = ? AND key = ? ORDER BY older.id DESC LIMIT 1`,
    ),
    olderNull: versions(
      `${joined} older JOIN versions ON versions.id = older.id WHERE bucket = ? AND key = ? AND nameless = 1`,
    ),
    upload: sql("SELECT * FROM uploads WHERE bucket = ? AND key = ? AND id = ?"),
    part: sql("SELECT * FROM pieces WHERE owner = ? AND number = ?"),
    packsOf: sql("SELECT DISTINCT pack FROM pieces WHERE owner = ?"),
    parts: sql("SELECT * FROM pieces WHERE owner = ? AND number > ? ORDER BY number LIMIT ?"),
  };
}
