import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { Catalog } from "./catalog.ts";
import { nullBody, pieceColumns, type PieceRow, type VersionRow } from "./rows.ts";
import type {
  Kill,
  KilledPart,
  KilledUpload,
  KilledVersion,
  LogRecord,
  PieceFacts,
  Spot,
} from "./record.ts";

/**
 * Brings the index up to date with one record: the same for one that was just written and for one that is read again
 * after a crash, so that both end in the same state. Gives nothing back: what it decides follows from record and index alone.
 */
export class Applier {
  #catalog: Catalog;
  #statements: ReturnType<typeof prepare>;
  /** Told of each file that nothing refers to any more. */
  #onTrash: (file: number) => void;

  constructor(catalog: Catalog, onTrash: (file: number) => void) {
    this.#catalog = catalog;
    this.#onTrash = onTrash;
    this.#statements = prepare(catalog.database);
  }

  apply(record: LogRecord, spot: Spot): void {
    const catalog = this.#catalog;
    catalog.added(spot.pack, spot.span);
    switch (record.op) {
      case "put": {
        const { bucket, key, id, body, piece, kills = [] } = record;
        this.#seen(id, piece);
        const entry = catalog.changeBucket(bucket);
        entry.objects++;
        entry.bytes += piece.size;
        this.#statements.addVersion.run(...values(id, body, piece, spot), 0, 0);
        this.#name(entry.number, key, id, kills);
        for (const kill of kills) this.#kill(kill);
        break;
      }
      case "name": {
        const { bucket, key, id, body, size, owner = 0, isMarker, kills = [] } = record;
        catalog.seenId(id);
        const entry = catalog.changeBucket(bucket);
        this.#statements.addVersion.run(
          ...values(id, body, { size }, spot),
          owner,
          isMarker ? 1 : 0,
        );
        if (isMarker) {
          this.#demote(entry.number, key);
          this.#statements.addOlder.run(entry.number, key, id, body.startsWith(nullBody) ? 1 : 0);
        } else {
          entry.objects++;
          this.#name(entry.number, key, id, kills);
        }
        for (const kill of kills) this.#kill(kill);
        break;
      }
      case "mark":
        catalog.died(spot.pack, spot.span);
        this.#statements.setBody.run(record.body, record.id);
        break;
      case "move":
        this.#move(record, spot);
        break;
      case "kill":
        catalog.died(spot.pack, spot.span);
        for (const kill of record.kills) this.#kill(kill);
        break;
      case "begin": {
        const { bucket, key, id, body } = record;
        catalog.seenId(id);
        const { number } = catalog.changeBucket(bucket);
        const before = this.#statements.getUpload.get(number, key, id);
        if (before) catalog.died(before["pack"] as number, before["span"] as number);
        this.#statements.addUpload.run(number, key, id, body, spot.pack, spot.span);
        break;
      }
      case "part":
        this.#part(record, spot);
        break;
      case "forget":
        catalog.died(spot.pack, spot.span);
        catalog.dropBucket(record.bucket);
    }
  }

  /** Files have numbers of the same row; one that a version was moved to is newer than the version. */
  #seen(id: number, { file = 0 }: PieceFacts): void {
    this.#catalog.seenId(Math.max(id, file));
  }

  #part(record: LogRecord & { op: "part" }, spot: Spot): void {
    const { bucket, owner, number, id, body, piece, kills = [] } = record;
    const { getPiece, dropPiece, addPiece } = this.#statements;
    this.#seen(id, piece);
    for (const kill of kills) this.#kill(kill);
    const before = getPiece.get(owner, number) as unknown as PieceRow | undefined;
    if (before) {
      dropPiece.run(owner, number);
      this.#died(before, piece.file);
    } else this.#catalog.changeBucket(bucket).bytes += piece.size;
    addPiece.run(owner, number, ...values(id, body, piece, spot));
  }

  #move(record: LogRecord & { op: "move" }, spot: Spot): void {
    const { bucket, key, id, body, piece, owner = 0, isMarker } = record;
    const { getVersion, dropVersion, addVersion } = this.#statements;
    this.#seen(id, piece);
    const row = getVersion.get(id) as unknown as VersionRow | undefined;
    if (row) {
      this.#died(row, piece.file);
      dropVersion.run(id);
    }
    addVersion.run(...values(id, body, piece, spot), owner, isMarker ? 1 : 0);
    if (row) return;
    const entry = this.#catalog.changeBucket(bucket);
    if (!isMarker) entry.objects++;
    if (owner === 0) entry.bytes += piece.size;
    this.#nameInOrder(entry.number, key, { id, body, isMarker: isMarker === true });
  }

  /** Puts a version among those of its key that are known, newer ones included. */
  #nameInOrder(
    bucket: number,
    key: string,
    { id, body, isMarker }: { id: number; body: string; isMarker: boolean },
  ): void {
    const { getCurrent, newestOlder, addOlder, setCurrent } = this.#statements;
    const current = (getCurrent.get(bucket, key)?.["id"] ?? 0) as number;
    const older = (newestOlder.get(bucket, key)?.["id"] ?? 0) as number;
    const isNewest = id > current && id > older;
    if (isNewest) this.#demote(bucket, key);
    if (isNewest && !isMarker) setCurrent.run(bucket, key, id);
    else addOlder.run(bucket, key, id, body.startsWith(nullBody) ? 1 : 0);
  }

  /** Makes a version the newest of its key. */
  #name(bucket: number, key: string, id: number, kills: readonly Kill[]): void {
    if (kills.length === 0) this.#demote(bucket, key);
    else {
      const current = this.#statements.getCurrent.get(bucket, key)?.["id"];
      const isKilled = kills.some((kill) => "version" in kill && kill.version === current);
      if (!isKilled) this.#demote(bucket, key);
    }
    this.#statements.setCurrent.run(bucket, key, id);
  }

  #demote(bucket: number, key: string): void {
    if (!this.#statements.getCurrent.get(bucket, key)) return;
    this.#statements.copyToOlder.run(bucket, key);
    this.#statements.dropCurrent.run(bucket, key);
  }

  #kill(kill: Kill): void {
    if ("version" in kill) this.#killVersion(kill);
    else if ("part" in kill) this.#killPart(kill);
    else this.#killUpload(kill);
  }

  /** In an index that is made anew, parts may be known whose version is not, or the other way round. */
  #killVersion({ version, bucket, key, owner }: KilledVersion): void {
    const { getVersion, dropVersion, dropOlder, getCurrent, dropCurrent } = this.#statements;
    const row = getVersion.get(version) as unknown as VersionRow | undefined;
    const entry = this.#catalog.changeBucket(bucket);
    if (owner !== undefined) entry.bytes -= this.#dropPieces(owner);
    if (!row) return;
    dropVersion.run(version);
    if (row.isMarker === 0) entry.objects--;
    if (owner === undefined) entry.bytes -= row.size;
    this.#died(row);
    if (getCurrent.get(entry.number, key)?.["id"] === version) dropCurrent.run(entry.number, key);
    else dropOlder.run(entry.number, key, version);
    this.#promote(entry.number, key);
  }

  /** The newest of the older ones is the current one, where there is none and that is no marker. */
  #promote(bucket: number, key: string): void {
    const { getCurrent, newestOlder, dropOlder, setCurrent } = this.#statements;
    if (getCurrent.get(bucket, key)) return;
    const row = newestOlder.get(bucket, key);
    if (!row || row["isMarker"] === 1) return;
    dropOlder.run(bucket, key, row["id"] as number);
    setCurrent.run(bucket, key, row["id"] as number);
  }

  #killPart({ part, owner, id, bucket }: KilledPart): void {
    const row = this.#statements.getPiece.get(owner, part) as unknown as PieceRow | undefined;
    if (row?.id !== id) return;
    this.#statements.dropPiece.run(owner, part);
    this.#catalog.changeBucket(bucket).bytes -= row.size;
    this.#died(row);
  }

  #killUpload({ upload, bucket, key, isAborted }: KilledUpload): void {
    const entry = this.#catalog.changeBucket(bucket);
    if (isAborted) entry.bytes -= this.#dropPieces(upload);
    const row = this.#statements.getUpload.get(entry.number, key, upload);
    if (!row) return;
    this.#statements.dropUpload.run(entry.number, key, upload);
    this.#catalog.died(row["pack"] as number, row["span"] as number);
  }

  /** Gives how many bytes they had. */
  #dropPieces(owner: number): number {
    let bytes = 0;
    for (const row of this.#statements.allPieces.all(owner) as unknown as PieceRow[]) {
      bytes += row.size;
      this.#died(row);
    }
    this.#statements.dropPieces.run(owner);
    return bytes;
  }

  /** `file` is that of what takes its place. */
  #died(row: PieceRow, file?: number): void {
    this.#catalog.died(row.pack, row.span);
    if (row.file === 0 || row.file === file) return;
    this.#statements.addTrash.run(row.file);
    this.#onTrash(row.file);
  }
}

function values(
  id: number,
  body: string,
  piece: PieceFacts,
  { pack, at, length, crc, span }: Spot,
) {
  const { size, file = 0, salt = null, isPacked } = piece;
  return [id, body, size, pack, at, length, crc, span, file, salt, isPacked ? 1 : 0] as const;
}

function prepare(database: DatabaseSync) {
  const sql = (text: string): StatementSync => database.prepare(text);
  const row = `(${pieceColumns}`;
  const marks = "?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?";
  return {
    addVersion: sql(`INSERT INTO versions ${row}, owner, isMarker) VALUES (${marks}, ?, ?)`),
    getVersion: sql("SELECT * FROM versions WHERE id = ?"),
    dropVersion: sql("DELETE FROM versions WHERE id = ?"),
    setBody: sql("UPDATE versions SET body = ? WHERE id = ?"),
    getCurrent: sql("SELECT id FROM current WHERE bucket = ? AND key = ?"),
    setCurrent: sql(
      "INSERT INTO current VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET id = excluded.id",
    ),
    dropCurrent: sql("DELETE FROM current WHERE bucket = ? AND key = ?"),
    copyToOlder: sql(
      `INSERT INTO older SELECT bucket, key, id,
         (SELECT substr(body, 1, ${nullBody.length}) = '${nullBody}' FROM versions WHERE versions.id = current.id)
       FROM current WHERE bucket = ? AND key = ?`,
    ),
    addOlder: sql("INSERT INTO older VALUES (?, ?, ?, ?)"),
    dropOlder: sql("DELETE FROM older WHERE bucket = ? AND key = ? AND id = ?"),
    newestOlder: sql(
      `SELECT older.id, isMarker FROM older JOIN versions ON versions.id = older.id
       WHERE bucket = ? AND key = ? ORDER BY older.id DESC LIMIT 1`,
    ),
    addUpload: sql("INSERT OR REPLACE INTO uploads VALUES (?, ?, ?, ?, ?, ?)"),
    getUpload: sql("SELECT pack, span FROM uploads WHERE bucket = ? AND key = ? AND id = ?"),
    dropUpload: sql("DELETE FROM uploads WHERE bucket = ? AND key = ? AND id = ?"),
    addPiece: sql(`INSERT INTO pieces (owner, number, ${pieceColumns}) VALUES (?, ?, ${marks})`),
    getPiece: sql("SELECT * FROM pieces WHERE owner = ? AND number = ?"),
    dropPiece: sql("DELETE FROM pieces WHERE owner = ? AND number = ?"),
    allPieces: sql("SELECT * FROM pieces WHERE owner = ?"),
    dropPieces: sql("DELETE FROM pieces WHERE owner = ?"),
    addTrash: sql("INSERT OR IGNORE INTO trash VALUES (?)"),
  };
}
