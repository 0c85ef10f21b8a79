import { CanopyError } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";

/** The first pieces of a source, and what follows them when they are not all of it. */
export async function readHead(
  source: AsyncIterable<Uint8Array>,
): Promise<{ head: Uint8Array[]; rest: AsyncIterator<Uint8Array> | undefined }> {
  const iterator = source[Symbol.asyncIterator]();
  const head: Uint8Array[] = [];
  let sizeBytes = 0;
  while (sizeBytes <= limits.blobInMemoryBytesMax) {
    const next = await iterator.next();
    if (next.done) return { head, rest: undefined };
    head.push(next.value);
    sizeBytes += next.value.byteLength;
  }
  return { head, rest: iterator };
}

/** Throws "too-large". */
export function requireSize(sizeBytes: number): void {
  if (sizeBytes <= limits.blobBytesMax) return;
  throw new CanopyError(
    "too-large",
    `Cannot keep this blob as it may have at most ${limits.blobBytesMax} bytes: it has more`,
  );
}

/** Throws "invalid" for what cannot be the key of a blob, or the name of a project. */
export function requireKey(project: string, key: string): void {
  if (/^[0-9a-f]{64}$/.test(key) && /^[a-z0-9-]+$/.test(project)) return;
  throw new CanopyError(
    "invalid",
    `Cannot look for a blob as its key must be 64 hexadecimal digits: current value is '${key}'`,
  );
}
