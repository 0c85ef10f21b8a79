/** What is written of a source, which is given up when it could not be: one that nobody reads keeps its file open. */
export async function givingUp<T>(
  source: Uint8Array | AsyncIterable<Uint8Array>,
  written: Promise<T>,
): Promise<T> {
  try {
    return await written;
  } catch (thrown) {
    if (!(source instanceof Uint8Array)) await source[Symbol.asyncIterator]().return?.();
    throw thrown;
  }
}
