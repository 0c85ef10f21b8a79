import type { Place } from "#/base/errors.ts";

/**
 * Something that has to be a blob before a request can be submitted: a local file that it names,
 * or one made up to stand in for a recorded file of that size. Once it is stored, its key goes into
 * every one of `slots`, which are parts of the request.
 */
export type Upload = { slots: BlobSlot[] } & (
  | {
      from: "file";
      /** As written: relative to the folder of the file that names it. */
      path: string;
      place: Place;
    }
  | { from: "made"; name: string; sizeBytes: number }
);

export interface BlobSlot {
  blob: string;
}

const pieceBytes = 64 * 1024;

/**
 * The content of a made-up file: the same bytes for the same name and size, other bytes for another
 * name, so that files of equal size are not one blob.
 */
export function* madeContent(name: string, sizeBytes: number): Generator<Uint8Array> {
  let state = 2166136261;
  for (const byte of Buffer.from(name)) state = Math.imul(state ^ byte, 16777619);
  for (let left = sizeBytes; left > 0; left -= pieceBytes) {
    const piece = new Uint8Array(Math.min(left, pieceBytes));
    for (let index = 0; index < piece.length; index++) {
      // xorshift32: cheap, never zero from a non-zero seed, and not compressible.
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      piece[index] = state & 255;
    }
    if (state === 0) state = 1;
    yield piece;
  }
}
