import { join } from "node:path";
import { messageOf } from "#/base/errors.ts";
import type { Host } from "#/base/host.ts";
import type { MachineMeasure } from "#/model/machine.ts";

type MeasureHost = Pick<Host, "clock" | "files" | "processes" | "log">;

/** About what each part takes. All of it is well below half a second, unless the disk is slow. */
const cpuMs = 120;
const memoryMs = 60;
const diskMsMax = 150;
const rounds = 200_000;
const copiedBytes = 16 * 2 ** 20;
const writtenBytes = 4 * 2 ** 20;
const syncs = 3;

const fileName = "measured.json";

/** A measure with what it was of: another computer, or one that was changed, is measured anew. */
interface Kept {
  of: string;
  measure: MachineMeasure;
}

/**
 * How fast this computer is: measured when it has not been before, and kept in the agent's folder. Each
 * figure is the best of several, as others may be at work here. Undefined when that fails: a machine
 * works without it.
 */
export async function measureOf(
  host: MeasureHost,
  folder: string,
): Promise<MachineMeasure | undefined> {
  const { hostname, arch, cpus, memoryBytes } = host.processes.facts();
  const of = [hostname, arch, cpus, memoryBytes].join(" ");
  const path = join(folder, fileName);
  try {
    const content = await host.files.read(path);
    const kept = content && (JSON.parse(Buffer.from(content).toString()) as Kept);
    if (kept && kept.of === of) return kept.measure;
  } catch (thrown) {
    host.log.warn("how fast this machine is was measured before, and cannot be read", {
      error: messageOf(thrown),
    });
  }
  try {
    const measure = await measureNow(host, folder);
    await host.files.write(path, `${JSON.stringify({ of, measure } satisfies Kept)}\n`);
    return measure;
  } catch (thrown) {
    host.log.warn("how fast this machine is could not be measured", { error: messageOf(thrown) });
    return undefined;
  }
}

async function measureNow(host: MeasureHost, folder: string): Promise<MachineMeasure> {
  const { clock } = host;
  const roundMs = best(clock, cpuMs, () => mix(rounds)) / rounds;
  const from = Buffer.alloc(copiedBytes, 1);
  const to = Buffer.alloc(copiedBytes);
  const copyMs = best(clock, memoryMs, () => from.copy(to));
  return {
    at: clock.now(),
    roundsPerSecond: Math.round(1000 / roundMs),
    memoryBytesPerSecond: Math.round((copiedBytes / copyMs) * 1000),
    ...(await diskOf(host, folder, from)),
  };
}

/** The shortest of as many turns as there is time for, in milliseconds. */
function best(clock: MeasureHost["clock"], forMs: number, turn: () => void): number {
  const untilMs = clock.monotonicMs() + forMs;
  let shortestMs = Infinity;
  for (let beganMs = clock.monotonicMs(); beganMs < untilMs;) {
    turn();
    const endedMs = clock.monotonicMs();
    shortestMs = Math.min(shortestMs, endedMs - beganMs);
    beganMs = endedMs;
  }
  return Math.max(shortestMs, 1e-3);
}

/** Whole numbers mixed as hash functions do: what one CPU does of plain code. */
function mix(turns: number): number {
  let hash = 0x811c9dc5;
  for (let turn = 0; turn < turns; turn++) {
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35) + turn;
  }
  return hash;
}

async function diskOf(
  { clock, files }: MeasureHost,
  folder: string,
  content: Uint8Array,
): Promise<Pick<MachineMeasure, "diskBytesPerSecond" | "syncMs">> {
  const path = join(folder, `${fileName}.disk`);
  const file = await files.append(path);
  const untilMs = clock.monotonicMs() + diskMsMax;
  try {
    const write = async (bytes: number) => {
      const beganMs = clock.monotonicMs();
      await file.write(content.subarray(0, bytes));
      await file.sync();
      return Math.max(clock.monotonicMs() - beganMs, 1e-3);
    };
    const writeMs = await write(writtenBytes);
    let syncMs = await write(1);
    for (let turn = 1; turn < syncs && clock.monotonicMs() < untilMs; turn++)
      syncMs = Math.min(syncMs, await write(1));
    return {
      diskBytesPerSecond: Math.round((writtenBytes / writeMs) * 1000),
      syncMs: Math.round(syncMs * 1000) / 1000,
    };
  } finally {
    await file.close();
    await files.remove(path);
  }
}
