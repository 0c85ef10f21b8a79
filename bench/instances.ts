import { execFileSync } from "node:child_process";
import { join } from "node:path";
import type { BenchOptions, Report } from "./figures.ts";
import { containers } from "./instances/containers.ts";
import { describe } from "./instances/describe.ts";
import { guests } from "./instances/guests.ts";
import { inside } from "./instances/inside.ts";
import { migration } from "./instances/migration.ts";
import type { Part, PartResult } from "./instances/part.ts";

const setup = join(import.meta.dirname, "../scripts/setup.mjs");

const parts: Part[] = [
  describe,
  containers("user"),
  containers("full"),
  guests,
  inside("user"),
  inside("full"),
  migration,
];

/** Instances beside what they are made with, on this machine, and from inside. Needs root, as containers do. */
export async function benchInstances(options: BenchOptions): Promise<Report> {
  // What is measured with is what the tests need.
  execFileSync(process.execPath, [setup, "--tests"], { stdio: ["ignore", 2, 2] });
  const results: PartResult[] = [];
  for (const part of parts) {
    options.say(`instances: ${part.name}`);
    results.push(await part.measure(options));
  }
  return {
    bench: "instances",
    figures: Object.assign({}, ...results.map(({ figures }) => figures)) as Record<string, number>,
    peers: {},
    ratios: {},
    goals: results.flatMap(({ goals }) => goals),
    notes: results.flatMap(({ notes = [] }) => notes),
  };
}
