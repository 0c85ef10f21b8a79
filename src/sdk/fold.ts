import type { Items } from "./task.ts";

/**
 * A function that folds two into one also folds a whole chunk, when it is given one marked value that
 * holds the chunk: then a tree needs one task for a chunk instead of one for each pair.
 */
const mark = "canopy fold";

/** Items that one task of a tree folds. */
const chunkMax = 64;

interface Chunk {
  [mark]: unknown[];
}

/** The function, which also understands chunks. */
export function foldable(run: (...args: unknown[]) => unknown): (...args: unknown[]) => unknown {
  const either = (...args: unknown[]) =>
    args.length === 1 && isChunk(args[0]) ? foldAll(run, args[0][mark]) : run(...args);
  Object.defineProperty(either, "name", { value: run.name });
  return either;
}

/**
 * Folds items by a tree of chunks; `fold` gives the results of one level's chunks, in their order.
 * Throws TypeError when there is nothing to fold.
 */
export async function reduceTree<R>(
  items: Items<R>,
  initial: [R?],
  fold: (chunks: Chunk[] | AsyncIterable<Chunk>) => PromiseLike<unknown[]>,
): Promise<R> {
  const first = initial.length > 0 ? [initial[0]] : [];
  let level: unknown[];
  if (Array.isArray(items)) level = [...first, ...(items as unknown[])];
  else level = await fold(chunksAsMade(first, items));
  if (level.length === 0) {
    throw new TypeError(
      "Cannot reduce no items to one without an initial value: give it as the second argument",
    );
  }
  while (level.length > 1) level = await fold(chunksOf(level));
  return level[0] as R;
}

async function foldAll(run: (...args: unknown[]) => unknown, items: unknown[]): Promise<unknown> {
  let folded = items[0];
  for (const item of items.slice(1)) folded = await run(folded, item);
  return folded;
}

function isChunk(value: unknown): value is Chunk {
  return (
    typeof value === "object" && value !== null && Array.isArray((value as Partial<Chunk>)[mark])
  );
}

function chunksOf(items: unknown[]): Chunk[] {
  const chunks: Chunk[] = [];
  for (let from = 0; from < items.length; from += chunkMax)
    chunks.push({ [mark]: items.slice(from, from + chunkMax) });
  return chunks;
}

async function* chunksAsMade(first: unknown[], items: Items<unknown>): AsyncGenerator<Chunk> {
  let chunk = first;
  for await (const item of items) {
    chunk.push(item);
    if (chunk.length < chunkMax) continue;
    yield { [mark]: chunk };
    chunk = [];
  }
  if (chunk.length > 0) yield { [mark]: chunk };
}
