import { Readable } from "node:stream";

/**
 * Uses what was opened to be read, and closes it when that fails, be it before the first byte: one that nobody reads to its end
 * keeps its file open.
 */
export async function givingUp<Source extends Uint8Array | AsyncIterable<Uint8Array>, T>(
  source: Source,
  use: (source: Source) => Promise<T>,
): Promise<T> {
  try {
    return await use(source);
  } catch (thrown) {
    await close(source);
    throw thrown;
  }
}

async function close(source: Uint8Array | AsyncIterable<Uint8Array>): Promise<void> {
  if (source instanceof Uint8Array) return;
  // The iterator of a stream that was not begun leaves the stream as it is.
  if (source instanceof Readable) source.destroy();
  else await source[Symbol.asyncIterator]().return?.();
}
