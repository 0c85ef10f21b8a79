import { DatabaseSync } from "node:sqlite";
import { limits } from "#/base/limits.ts";

/** Grows when tables change: an index of another format is made anew from the packs. */
const format = 1;

/**
 * What is found by key. All of it follows from the packs, so that it can be lost: it says in each transaction how far
 * in them it has come.
 *
 * `current` has the newest version of each key, but not where that is a delete marker, so that a list reads nothing else;
 * `older` has all others, markers included. Both are small, so that many keys share a page. Identifiers are given in the
 * order of time: of two versions the greater is newer.
 */
export function openDatabase(file: string): DatabaseSync {
  const database = new DatabaseSync(file, { timeout: limits.catalogWaitMs });
  try {
    database.exec(`
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = NORMAL;
      PRAGMA wal_autocheckpoint = 0;
      PRAGMA cache_size = -65536;
      CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;
      INSERT INTO meta VALUES ('format', ${format}), ('pack', 0), ('at', 0), ('id', 0), ('batch', 0), ('settled', 0), ('scrubbed', 0), ('scrubbedPieces', 0), ('scrubBegunMs', 0)
        ON CONFLICT DO NOTHING;
    `);
    const row = database.prepare("SELECT value FROM meta WHERE key = 'format'").get();
    if (row?.["value"] !== format) throw new Error(`its format is ${String(row?.["value"])}`);
    database.exec(`
      CREATE TABLE IF NOT EXISTS buckets (
        number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, objects INTEGER NOT NULL, bytes INTEGER NOT NULL
      ) STRICT;
      CREATE TABLE IF NOT EXISTS current (
        bucket INTEGER NOT NULL, key TEXT NOT NULL, id INTEGER NOT NULL, PRIMARY KEY (bucket, key)
      ) STRICT, WITHOUT ROWID;
      CREATE TABLE IF NOT EXISTS older (
        bucket INTEGER NOT NULL, key TEXT NOT NULL, id INTEGER NOT NULL, nameless INTEGER NOT NULL,
        PRIMARY KEY (bucket, key, id DESC)
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX IF NOT EXISTS nulls ON older (bucket, key) WHERE nameless = 1;
      CREATE TABLE IF NOT EXISTS versions (
        id INTEGER PRIMARY KEY, body TEXT NOT NULL, size INTEGER NOT NULL,
        pack INTEGER NOT NULL, at INTEGER NOT NULL, length INTEGER NOT NULL, crc INTEGER NOT NULL, span INTEGER NOT NULL,
        file INTEGER NOT NULL, salt TEXT, isPacked INTEGER NOT NULL, owner INTEGER NOT NULL,
        isMarker INTEGER NOT NULL
      ) STRICT;
      CREATE TABLE IF NOT EXISTS pieces (
        owner INTEGER NOT NULL, number INTEGER NOT NULL, id INTEGER NOT NULL, body TEXT NOT NULL, size INTEGER NOT NULL,
        pack INTEGER NOT NULL, at INTEGER NOT NULL, length INTEGER NOT NULL, crc INTEGER NOT NULL, span INTEGER NOT NULL,
        file INTEGER NOT NULL, salt TEXT, isPacked INTEGER NOT NULL, PRIMARY KEY (owner, number)
      ) STRICT, WITHOUT ROWID;
      CREATE TABLE IF NOT EXISTS uploads (
        bucket INTEGER NOT NULL, key TEXT NOT NULL, id INTEGER NOT NULL, body TEXT NOT NULL,
        pack INTEGER NOT NULL, span INTEGER NOT NULL, PRIMARY KEY (bucket, key, id)
      ) STRICT, WITHOUT ROWID;
      CREATE TABLE IF NOT EXISTS packs (
        pack INTEGER PRIMARY KEY, bytes INTEGER NOT NULL, dead INTEGER NOT NULL
      ) STRICT;
      CREATE INDEX IF NOT EXISTS pieceIds ON pieces (id);
      CREATE INDEX IF NOT EXISTS versionFiles ON versions (file) WHERE file > 0;
      CREATE INDEX IF NOT EXISTS pieceFiles ON pieces (file) WHERE file > 0;
      CREATE TABLE IF NOT EXISTS damage (
        id INTEGER PRIMARY KEY, bucket TEXT NOT NULL, key TEXT NOT NULL, why TEXT NOT NULL, seenMs INTEGER NOT NULL
      ) STRICT;
      CREATE TABLE IF NOT EXISTS trash (file INTEGER PRIMARY KEY) STRICT;
    `);
    return database;
  } catch (thrown) {
    database.close();
    throw thrown;
  }
}
