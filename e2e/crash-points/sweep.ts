import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Call } from "./calls.ts";
import { Chance } from "#/base/testing/chance.ts";
import { Disk, type Image } from "./disk.ts";
import { Expected } from "./expected.ts";
import { faultsOf, writeLog } from "./inspect.ts";
import type { Mark } from "./marks.ts";

export interface Sweep {
  /** Calls after which the power was cut. */
  points: number;
  /** Disks looked at: several for each point, as a cut leaves one of many. */
  images: number;
  /** The most that was acknowledged and looked for. */
  commits: number;
  files: number;
  calls: number;
  violations: { point: number; call: string; seed: number; fault: string }[];
}

const imagesOfPoint = 3;

/**
 * Cuts the power after `points` of the recorded calls (all of them when undefined), spread evenly, and
 * looks at what may be left each time. Ends early when `violationsMax` were found.
 */
export async function sweep(
  recording: { disk: string; calls: Call[] },
  options: { seed: number; points?: number; violationsMax?: number },
): Promise<Sweep> {
  const { calls } = recording;
  const { seed, points = Infinity, violationsMax = Infinity } = options;
  const disk = new Disk(recording.disk);
  const expected = new Expected();
  const chance = new Chance(seed);
  const memory = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();
  const folder = await mkdtemp(join(memory, "canopy-cut-"));
  const found: Sweep = {
    points: 0,
    images: 0,
    commits: 0,
    files: 0,
    calls: calls.length,
    violations: [],
  };
  try {
    for (const [at, call] of calls.entries()) {
      disk.apply(call, at);
      if (call.type === "mark") for (const mark of marksOf(call.text)) expected.hear(mark);
      const isDue = chance.fraction() < (points * 1.05 - found.points) / (calls.length - at);
      if (!isDue) continue;
      found.points++;
      for (let image = 0; image < imagesOfPoint; image++) {
        found.images++;
        const imageSeed = chance.below(2 ** 31);
        const faults = await look(disk.cut(new Chance(imageSeed)), folder, expected);
        for (const fault of faults)
          found.violations.push({ point: at, call: nameOf(call), seed: imageSeed, fault });
      }
      if (found.violations.length >= violationsMax) break;
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return { ...found, commits: expected.kept, files: expected.files.size };
}

async function look(image: Image, folder: string, expected: Expected): Promise<string[]> {
  writeLog(image, folder);
  return await faultsOf(folder, image, expected);
}

function marksOf(text: string): Mark[] {
  return text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Mark);
}

function nameOf(call: Call): string {
  return call.type === "mark"
    ? `what it said: ${call.text.slice(0, 60).trim()}`
    : `${call.type} ${call.path}`;
}
