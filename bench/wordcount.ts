import { open } from "node:fs/promises";
import { job, mapReduce } from "canopy-cloud/sdk";

/** A part of a file of lines: those that begin within [start, end). */
interface Part {
  path: string;
  start: number;
  end: number;
}

const partBytes = 4 * 1024 * 1024;
/** No line of the text is longer. */
const lineBytesMax = 4096;

export const counts = mapReduce({
  async map(part: Part, emit: (word: string, count: number) => void) {
    const found = new Map<string, number>();
    for (const word of (await linesOf(part)).toLowerCase().match(/[a-z]+/g) ?? []) {
      found.set(word, (found.get(word) ?? 0) + 1);
    }
    for (const [word, count] of found) emit(word, count);
  },
  combine: (_word, counts) => sum(counts),
  reduce: (_word, counts) => sum(counts),
  partitions: 4,
});

/** How often each word is in a file. */
export default job(async (path: string) => {
  const file = await open(path);
  const { size } = await file.stat().finally(() => file.close());
  const parts: Part[] = [];
  for (let start = 0; start < size; start += partBytes) {
    parts.push({ path, start, end: Math.min(start + partBytes, size) });
  }
  return await counts.run(parts);
});

async function linesOf({ path, start, end }: Part): Promise<string> {
  const file = await open(path);
  try {
    // One byte before tells whether a line begins at `start`; the last line may go beyond `end`.
    const from = Math.max(0, start - 1);
    const bytes = Buffer.alloc(end + lineBytesMax - from);
    const { bytesRead } = await file.read(bytes, 0, bytes.length, from);
    const first = start === 0 ? 0 : bytes.indexOf(0x0a) + 1;
    const last = bytes.subarray(0, bytesRead).indexOf(0x0a, end - 1 - from);
    return bytes.toString("latin1", first, last < 0 ? bytesRead : last);
  } finally {
    await file.close();
  }
}

function sum(numbers: number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
