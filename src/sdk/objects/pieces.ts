/** Cuts bytes as they come into pieces of these sizes: `sizeOf` is asked for each by its number, from 0 on. The last may be shorter. */
export async function* cut(
  source: AsyncIterable<Uint8Array>,
  sizeOf: (number: number) => number,
): AsyncGenerator<Buffer> {
  let number = 0;
  let left = sizeOf(0);
  let pieces: Uint8Array[] = [];
  for await (const piece of source) {
    for (let at = 0; at < piece.byteLength;) {
      const taken = piece.subarray(at, at + left);
      pieces.push(taken);
      at += taken.byteLength;
      left -= taken.byteLength;
      if (left > 0) continue;
      yield join(pieces);
      pieces = [];
      left = sizeOf(++number);
    }
  }
  if (pieces.length > 0) yield join(pieces);
}

function join(pieces: readonly Uint8Array[]): Buffer {
  const [only] = pieces;
  return pieces.length === 1 && only
    ? Buffer.from(only.buffer, only.byteOffset, only.byteLength)
    : Buffer.concat(pieces);
}

/**
 * What `make` gives for each of `items`, in their order, while up to `atOnce` are made ahead. What is ahead is given up when the
 * reader stops or one fails.
 */
export async function* ahead<Item, Made>(
  items: AsyncIterable<Item> | Iterable<Item>,
  atOnce: number,
  make: (item: Item) => Promise<Made>,
): AsyncGenerator<Made> {
  const made: Promise<Made>[] = [];
  try {
    for await (const item of items) {
      const next = make(item);
      // Its failure is told when its turn comes.
      next.catch(() => {});
      made.push(next);
      if (made.length >= atOnce) yield await made.shift()!;
    }
    while (made.length > 0) yield await made.shift()!;
  } finally {
    await Promise.allSettled(made);
  }
}
