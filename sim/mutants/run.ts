import { spawn } from "node:child_process";
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import type { Figures } from "../figures.ts";
import { planted, type Mutant } from "./planted.ts";

const root = join(import.meta.dirname, "../..");
/** Of one processor's time. */
const foundSecondsMax = 60;
/** Beside the machine's other work that may take long. */
const endlessMs = 10 * 60_000;

export interface Found {
  name: string;
  isFound: boolean;
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
  return { name, isFound: false, seconds: 0, simulatedHours: 0, message: String(thrown) };
}

function lineOf({ name, isFound, seconds, message }: Found): string {
  return `${isFound ? "✔" : "✖"} ${name.padEnd(56)} ${seconds.toFixed(1).padStart(5)} s  ${message.slice(0, 140)}`;
}

/** Throws when the mutant no longer fits the source. */
export async function hunt({ name, file, search, replace }: Mutant): Promise<Found> {
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
    const figures = await simulate(folder);
    if (figures === "endless") {
      const seconds = endlessMs / 1000;
      return { name, isFound: true, seconds, simulatedHours: 0, message: "it had no end: killed" };
    }
    const { simulatedHours, cpuSeconds: seconds, broken } = figures;
    const message = broken[0]?.message.split("\n")[0] ?? "not found";
    return { name, isFound: broken.length > 0, seconds, simulatedHours, message };
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** A mutant that never comes to rest is ended: by the world or beside the thread of its seed, and at last from here. Each way it is found. */
function simulate(folder: string): Promise<Figures | "endless"> {
  const seconds = String(foundSecondsMax);
  const args = ["--cpu-seconds", seconds, "--workers", "1", "--from", "1", "--json"];
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
