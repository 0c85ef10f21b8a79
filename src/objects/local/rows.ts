import type { Spot } from "./record.ts";

/** Where bytes are kept, as the index has it. */
export interface PieceRow extends Spot {
  id: number;
  size: number;
  /** 0: none. */
  file: number;
  salt: string | null;
  isPacked: number;
  body: string;
}

export interface VersionRow extends PieceRow {
  key: string;
  /** The upload whose parts it is made of; 0: none. */
  owner: number;
  isMarker: number;
}

export interface PartRow extends PieceRow {
  owner: number;
  number: number;
}

export interface UploadRow {
  id: number;
  key: string;
  body: string;
  pack: number;
  span: number;
}

export const pieceColumns = "id, body, size, pack, at, length, crc, span, file, salt, isPacked";

/** What `versionRow()` makes a row of, in its order. */
export const versionColumns =
  "versions.id, body, size, pack, at, length, crc, span, file, salt, isPacked, owner, isMarker";

type VersionValues = [
  id: number,
  body: string,
  size: number,
  pack: number,
  at: number,
  length: number,
  crc: number,
  span: number,
  file: number,
  salt: string | null,
  isPacked: number,
  owner: number,
  isMarker: number,
];

/** What a statement that returns arrays found. The objects of SQLite are hash tables: this one takes half the time. */
export function versionRow(key: string, found: unknown): VersionRow | undefined {
  if (found === undefined) return undefined;
  const [id, body, size, pack, at, length, crc, span, file, salt, isPacked, owner, isMarker] =
    found as VersionValues;
  return {
    key,
    id,
    body,
    size,
    pack,
    at,
    length,
    crc,
    span,
    file,
    salt,
    isPacked,
    owner,
    isMarker,
  };
}

/** `versionId` is the first word of every body. */
export const nullBody = '{"versionId":"null"';
