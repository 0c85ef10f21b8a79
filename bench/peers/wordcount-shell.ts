import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "./process.ts";

/** How long it took to count the words of a text, and what it found: all words, and how many different ones. */
export interface WordCount {
  seconds: number;
  words: number;
  distinct: number;
}

const sortBuffer = "2G";

/** One pipeline: its programs run side by side, and sort uses two threads. */
const pipeline = `tr -cs A-Za-z '\\n' < "$1" | sort --parallel=2 -S ${sortBuffer} | uniq -c > "$2/counts"`;

/**
 * Two processes: each counts one half, and the sorted counts are merged. The cut is at the first byte after the middle
 * that is no letter, so that no word falls apart.
 */
const halves = `
  count() { tr -cs A-Za-z '\\n' | sort -S ${sortBuffer} | uniq -c | awk '$2 != "" { print $2 " " $1 }'; }
  head -c "$3" "$1" | count > "$2/first" &
  tail -c +"$(($3 + 1))" "$1" | count > "$2/second" &
  wait
  sort -m -k1,1 "$2/first" "$2/second" |
    awk '$1 != word { if (NR > 1) print sum, word; word = $1; sum = 0 } { sum += $2 } END { print sum, word }' > "$2/counts"`;

/** Counts with the classic Unix programs, in both ways; the faster one, which must agree with the other. */
export async function wordCountShell(file: string): Promise<WordCount> {
  const folder = await mkdtemp(join(tmpdir(), "bench-wordcount-"));
  try {
    const one = await timed(pipeline, [file, folder], folder);
    const two = await timed(halves, [file, folder, `${await middle(file)}`], folder);
    if (one.words !== two.words || one.distinct !== two.distinct) {
      throw new Error(
        `Cannot trust the counts as ${JSON.stringify(one)} is not ${JSON.stringify(two)}`,
      );
    }
    return one.seconds < two.seconds ? one : two;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function timed(script: string, args: string[], folder: string): Promise<WordCount> {
  const startMs = performance.now();
  await run("sh", ["-c", script, "sh", ...args], { env: { ...process.env, LC_ALL: "C" } });
  const seconds = (performance.now() - startMs) / 1000;
  const lines = (await readFile(join(folder, "counts"), "latin1")).split("\n");
  // A text that begins with no letter gives tr one empty line, which is no word.
  const counts = lines.map((line) => line.trim().split(" ")).filter(([, word]) => word);
  return {
    seconds,
    words: counts.reduce((sum, [count]) => sum + Number(count), 0),
    distinct: counts.length,
  };
}

async function middle(file: string): Promise<number> {
  const { size } = await stat(file);
  const half = Math.floor(size / 2);
  const { stdout } = await run(
    "sh",
    ["-c", 'tail -c +"$2" "$1" | head -c 4096', "sh", file, `${half + 1}`],
    { encoding: "latin1" },
  );
  const letters = /^[A-Za-z]*/.exec(stdout)?.[0].length ?? 0;
  return half + letters;
}
