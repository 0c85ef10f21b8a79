import { join } from "node:path";
import type { Host } from "#/base/host.ts";
import { limits } from "#/base/limits.ts";
import { startLoop, type Loop } from "#/base/loop.ts";
import type { TaskUsage } from "#/model/usage.ts";

/** Where the kernel tells energy and CPU time: "/sys/class/powercap" and "/proc/stat". */
export interface PowerPaths {
  readonly powercap: string;
  readonly procStat: string;
}

/** A counter of energy: RAPL's, in microjoules, which begins again at `rangeUj`. */
interface Domain {
  readonly path: string;
  readonly rangeUj: number;
  lastUj: number;
}

/** At one instant: what was drawn, and CPU time used, since the first one. */
interface Sample {
  readonly atMs: number;
  readonly joules: number;
  readonly busyMs: number;
}

const tickMs = 10;
/** What is drawn in a shorter time says little of the power at rest. */
const restMsMin = 5_000;

/**
 * What this computer's processors and memory draw, as the kernel counts it (RAPL, "running average power
 * limit", by its powercap interface), and which part of it a task is answerable for.
 *
 * The counters are of whole sockets, and go round: they are read each second, far more often than one goes
 * round even at full power. A task is given, over the time that it ran, of what is drawn above rest its share
 * of the CPU time used by all, and of what is drawn at rest the share of the CPUs that it held. The power at
 * rest is the least that was seen. So tasks never add up to more than was drawn, and what the rest of the
 * computer uses is nobody's.
 */
export class PowerMeter {
  #host: Pick<Host, "clock" | "files">;
  #paths: PowerPaths;
  #cpus: number;
  #domains: Domain[];
  #samples: Sample[] = [];
  #restWatts = Infinity;
  #loop: Loop | undefined;

  /** Undefined where no counter can be read: few kernels let others than root. */
  static async open(
    host: Pick<Host, "clock" | "files" | "log" | "processes">,
    paths: PowerPaths,
  ): Promise<PowerMeter | undefined> {
    const domains = await domainsIn(host, paths.powercap);
    if (domains.length === 0) return undefined;
    const meter = new PowerMeter(host, paths, domains, host.processes.facts().cpus);
    await meter.look();
    const { clock, log } = host;
    const turn = () => meter.look();
    meter.#loop = startLoop("power", turn, { clock, log, everyMs: limits.powerLookMs });
    return meter;
  }

  private constructor(
    host: Pick<Host, "clock" | "files">,
    paths: PowerPaths,
    domains: Domain[],
    cpus: number,
  ) {
    this.#host = host;
    this.#paths = paths;
    this.#domains = domains;
    this.#cpus = cpus;
  }

  stop(): void {
    this.#loop?.stop();
  }

  /** Reads the counters. One that cannot be read any more counts as standing still. */
  async look(): Promise<void> {
    const last = this.#samples.at(-1);
    let joules = last?.joules ?? 0;
    for (const domain of this.#domains) {
      const nowUj = await numberIn(this.#host, join(domain.path, "energy_uj"));
      if (nowUj === undefined) continue;
      const movedUj = nowUj - domain.lastUj;
      if (last) joules += (movedUj >= 0 ? movedUj : movedUj + domain.rangeUj) / 1e6;
      domain.lastUj = nowUj;
    }
    const busyMs = (await busyMsIn(this.#host, this.#paths.procStat)) ?? last?.busyMs ?? 0;
    this.#samples.push({ atMs: this.#host.clock.monotonicMs(), joules, busyMs });
    this.#learnRest();
    if (this.#samples.length > limits.powerSamplesMax) this.#thin();
  }

  /** Mean power of the last seconds, in watts; undefined at first. */
  get watts(): number | undefined {
    const last = this.#samples.at(-1);
    if (!last || this.#samples.length < 2) return undefined;
    const before = this.#at(last.atMs - restMsMin);
    return ((last.joules - before.joules) * 1000) / Math.max(1, last.atMs - before.atMs);
  }

  /** What a task drew that ends now, in joules; undefined where it ran before anything was measured. */
  shareOf({ wallMs, cpuMs }: TaskUsage, milliCpus: number): number | undefined {
    const nowMs = this.#host.clock.monotonicMs();
    const beganMs = nowMs - wallMs;
    const [first, last] = [this.#samples[0], this.#samples.at(-1)];
    if (!first || !last || first === last || beganMs < first.atMs) return undefined;
    const [from, to] = [this.#at(beganMs), this.#at(nowMs)];
    const drawn = to.joules - from.joules;
    const busyMs = to.busyMs - from.busyMs;
    const atRest = Math.min(drawn, (this.#restWatts * wallMs) / 1000);
    const usedCpus = wallMs > 0 ? cpuMs / wallMs : 0;
    const heldShare = Math.min(1, Math.max(milliCpus / 1000, usedCpus) / this.#cpus);
    const busyShare = busyMs > 0 ? Math.min(1, cpuMs / busyMs) : 0;
    return atRest * heldShare + (drawn - atRest) * busyShare;
  }

  #learnRest(): void {
    const last = this.#samples.at(-1)!;
    const from = this.#samples.findLast(({ atMs }) => atMs <= last.atMs - restMsMin);
    if (!from) {
      const [first] = this.#samples as [Sample];
      if (this.#samples.length > 1)
        this.#restWatts = Math.min(this.#restWatts, wattsOf(first, last));
    } else this.#restWatts = Math.min(this.#restWatts, wattsOf(from, last));
  }

  /** By a straight line between the samples around it, and on from the last two. */
  #at(atMs: number): Sample {
    const samples = this.#samples;
    let after = samples.findLastIndex((sample) => sample.atMs <= atMs) + 1;
    after = Math.min(Math.max(after, 1), samples.length - 1);
    const [a, b] = [samples[after - 1]!, samples[after]!];
    const part = (atMs - a.atMs) / Math.max(1, b.atMs - a.atMs);
    return {
      atMs,
      joules: a.joules + part * (b.joules - a.joules),
      busyMs: a.busyMs + part * (b.busyMs - a.busyMs),
    };
  }

  /** Of the older half every second one goes: tasks that have run for long need no seconds. */
  #thin(): void {
    const half = Math.floor(this.#samples.length / 2);
    this.#samples = this.#samples.filter((_, at) => at >= half || at % 2 === 0);
  }
}

function wattsOf(from: Sample, to: Sample): number {
  return ((to.joules - from.joules) * 1000) / Math.max(1, to.atMs - from.atMs);
}

/**
 * Packages, and the memory beside them. Cores and graphics are in their package already; "psys" and the
 * domains of the other interface (intel-rapl-mmio) count the same once more.
 */
async function domainsIn(host: Pick<Host, "files">, powercap: string): Promise<Domain[]> {
  const found: Domain[] = [];
  const names = await host.files.list(powercap).catch(() => []);
  for (const name of names) {
    if (!/^intel-rapl:\d+(:\d+)?$/.test(name)) continue;
    const path = join(powercap, name);
    const kind = (await textIn(host, join(path, "name")))?.trim() ?? "";
    if (!/^(package-\d+(-die-\d+)?|dram)$/.test(kind)) continue;
    const lastUj = await numberIn(host, join(path, "energy_uj"));
    const rangeUj = await numberIn(host, join(path, "max_energy_range_uj"));
    if (lastUj !== undefined && rangeUj !== undefined) found.push({ path, rangeUj, lastUj });
  }
  return found;
}

/** CPU time that all processes of this computer have used, in milliseconds, since it started. */
async function busyMsIn(host: Pick<Host, "files">, path: string): Promise<number | undefined> {
  const [line = ""] = ((await textIn(host, path)) ?? "").split("\n");
  // user nice system idle iowait irq softirq steal: guests are in user
  const [, user, nice, system, , , irq, softirq] = line.trim().split(/\s+/).map(Number);
  const ticks = [user, nice, system, irq, softirq].reduce<number>(
    (sum, one) => sum + (one ?? 0),
    0,
  );
  return line.startsWith("cpu") && Number.isFinite(ticks) ? ticks * tickMs : undefined;
}

async function numberIn(host: Pick<Host, "files">, path: string): Promise<number | undefined> {
  const text = await textIn(host, path);
  const value = text === undefined || text.trim() === "" ? Number.NaN : Number(text);
  return Number.isFinite(value) ? value : undefined;
}

async function textIn({ files }: Pick<Host, "files">, path: string): Promise<string | undefined> {
  const bytes = await files.read(path).catch(() => undefined);
  return bytes && Buffer.from(bytes).toString();
}
