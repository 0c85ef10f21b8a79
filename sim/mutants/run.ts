import { spawn } from "node:child_process";
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import type { Figures } from "../figures.ts";
import { planted, type Mutant } from "./planted.ts";

const root = join(import.meta.dirname, "../..");
/** Seeds and not seconds: whether a bug is found is then the same on every machine. */
const seedsMax = 250;
const endlessMs = 30 * 60_000;

export interface Found {
  name: string;
  isFound: boolean;
  /** Looked at, the last of which found it. */
  seeds: number;
  /** Of one processor's time. */
  seconds: number;
  simulatedHours: number;
  message: string;
}

/** Plants each bug in a copy of the tree and lets the simulation look for it. True when all were found. */
export async function runMutants(options: {
  /** Only those whose names hold this. */
  only?: string;
  isJson?: boolean;
}): Promise<boolean> {
  const { only = "", isJson = false } = options;
  const waiting = planted.filter(({ name }) => name.includes(only));
  const all: Found[] = [];
  const worker = async () => {
    for (let mutant = waiting.shift(); mutant; mutant = waiting.shift()) {
      const found = await hunt(mutant).catch((thrown: unknown) => misfit(mutant, thrown));
      all.push(found);
      if (!isJson) console.log(lineOf(found));
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
  const missed = all.filter(({ isFound }) => !isFound).length;
  if (isJson) console.log(JSON.stringify(all));
  else console.log(`\n${all.length - missed} of ${all.length} planted bugs were found`);
  return missed === 0 && all.length > 0;
}

function misfit({ name }: Mutant, thrown: unknown): Found {
  return { name, isFound: false, seeds: 0, seconds: 0, simulatedHours: 0, message: String(thrown) };
}

function lineOf({ name, isFound, seeds, seconds, message }: Found): string {
  const effort = `${String(seeds).padStart(3)} seeds ${seconds.toFixed(1).padStart(5)} s`;
  return `${isFound ? "✔" : "✖"} ${name.padEnd(62)} ${effort}  ${message.slice(0, 140)}`;
}

/** Throws when the mutant no longer fits the source. */
export async function hunt({ name, file, search, replace, seed = 1 }: Mutant): Promise<Found> {
  const folder = await mkdtemp(join(tmpdir(), "canopy-mutant-"));
  try {
    for (const part of ["src", "sim", "chaos/linearizability.ts", "package.json"])
      await cp(join(root, part), join(folder, part), { recursive: true });
    await symlink(join(root, "node_modules"), join(folder, "node_modules"));
    const path = join(folder, file);
    const source = await readFile(path, "utf8");
    const places = source.split(search).length - 1;
    if (places !== 1)
      throw new Error(
        `Cannot plant '${name}' as ${file} must hold it once: it does ${places} times`,
      );
    await writeFile(
      path,
      source.replace(search, () => replace),
    );
    const figures = await simulate(folder, seed);
    if (figures === "endless") {
      const seconds = endlessMs / 1000;
      const message = "it had no end: killed";
      return { name, isFound: true, seeds: 0, seconds, simulatedHours: 0, message };
    }
    const { seeds, simulatedHours, cpuSeconds: seconds, broken } = figures;
    const message = broken[0]?.message.split("\n")[0] ?? "not found";
    return { name, isFound: broken.length > 0, seeds, seconds, simulatedHours, message };
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** A mutant that never comes to rest is ended: by the world or beside the thread of its seed, and at last from here. Each way it is found. */
function simulate(folder: string, from: number): Promise<Figures | "endless"> {
  const seeds = ["--from", String(from), "--count", String(seedsMax)];
  const args = [...seeds, "--minutes", "60", "--workers", "1", "--json"];
  const child = spawn(process.execPath, [join(folder, "sim/main.ts"), ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text));
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      child.kill("SIGKILL");
      resolve("endless");
    }, endlessMs);
    child.once("error", reject);
    child.once("close", () => {
      clearTimeout(timer);
      try {
        resolve(JSON.parse(output) as Figures);
      } catch (thrown) {
        reject(thrown as Error);
      }
    });
  });
}
