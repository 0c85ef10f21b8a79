import { Fork } from "#/forecast/fork.ts";
import { emptyMoment } from "#/forecast/recording.ts";
import { appendTasks, cancelJob, submitJob } from "#/jobs/submit.ts";
import { jobRequest } from "#/model/job-request.ts";
import type { MachineRecord } from "#/model/machine.ts";
import type { Placement } from "#/model/placement.ts";
import { indexOfTask, jobOf } from "#/model/task.ts";
import { medians, quantile, repeat, type BenchOptions, type Report } from "./figures.ts";

const hosts = 20_000;
const instances = 40_000;
const cloudlets = 50_000;
/** Shapes of the published large scenarios of CloudSim Plus: hosts of 8 CPUs, VMs of 4 CPUs and 2,000 MB, cloudlets of 2 CPUs and 10,000 MI at 1,000 MIPS. */
const hostCpus = 8;
const hostMemoryBytes = 1_000_000 * 2 ** 20;
const instanceCpus = 4;
const instanceMemoryBytes = 2000 * 2 ** 20;
const cloudletCpus = 2;
const cloudletMs = 10_000;
const forEverMs = 365 * 24 * 3_600_000;
/** A cloudlet that waits for longer was promised too much. */
const promisedWaitMs = 1000;
/** Watts of a host, and the linear model between them (Fan, Weber and Barroso, ISCA 2007), as meter/price.ts has it. */
const idleWatts = 100;
const peakWatts = 250;

/** Minutes on two cores, as CloudSim Plus publishes them (docs/performance.md, version 4.3.4). */
const theirMinutes = { firstFit: 1.3, bestFit: 15.7 };
const targetSeconds = { firstFit: 5, bestFit: 15 };

/**
 * A data centre of the size that CloudSim Plus measures itself by, simulated on the production road of a
 * fork: space, jobs loop and scheduler are those of a cloud, and each host and each VM is a machine with
 * a session of its own. VMs are tasks that last and are placed on hosts; each becomes a machine when it
 * begins, and cloudlets are tasks that need one. Hosts are served in the order in which they asked,
 * each with all that it has room for (first fit), or the fullest first (best fit).
 *
 * Not the same as there: a host's CPUs are dedicated, two VMs to a host, where theirs share its MIPS;
 * cloudlets go to the first VM with room and not around all VMs in turn; and a cloud writes down each
 * step of each task, which a simulator does not.
 */
export async function benchSimScale({ runs, say }: BenchOptions): Promise<Report> {
  const figures: Record<string, number> = { hosts, instances, cloudlets };
  for (const [name, placement] of [
    ["firstFit", "asked"],
    ["bestFit", "pack"],
  ] as const) {
    say(`sim-scale: ${name}`);
    const found = medians(await repeat(runs, () => simulate(placement)));
    for (const [figure, value] of Object.entries(found)) figures[`${name}${figure}`] = value;
    figures[`${name}TargetSeconds`] = targetSeconds[name];
  }
  const seconds = { firstFit: figures["firstFitSeconds"]!, bestFit: figures["bestFitSeconds"]! };
  return {
    bench: "sim-scale",
    figures,
    peers: {
      "CloudSim Plus, as published": {
        firstFitSeconds: theirMinutes.firstFit * 60,
        bestFitSeconds: theirMinutes.bestFit * 60,
      },
    },
    ratios: {
      firstFit: (theirMinutes.firstFit * 60) / seconds.firstFit,
      bestFit: (theirMinutes.bestFit * 60) / seconds.bestFit,
    },
  };
}

/** What happened to one cloudlet, in milliseconds of simulated time. All are submitted at 0. */
interface Ran {
  beganMs: number;
  endedMs: number;
  host: string;
}

async function simulate(placement: Placement): Promise<Record<string, number>> {
  const startMs = performance.now();
  const ran: Ran[] = [];
  const hostOf = new Map<string, string>();
  const pool = Array.from({ length: hosts }, (_, number) =>
    machineOf(`host-${number}`, "host", hostCpus, hostMemoryBytes),
  );
  const fork = await Fork.open(
    { ...emptyMoment(0, pool), placement },
    {
      runMs(_step, { task, machine }) {
        const beganMs = fork.clock.now();
        if (jobOf(task) === "cloudlets") {
          ran.push({ beganMs, endedMs: beganMs + cloudletMs, host: hostOf.get(machine.name)! });
          return cloudletMs;
        }
        const name = `vm-${indexOfTask(task)}`;
        hostOf.set(name, machine.name);
        const joins = () =>
          fork.addMachine(machineOf(name, "vm", instanceCpus, instanceMemoryBytes));
        fork.clock.soon(joins);
        return forEverMs;
      },
      fails: () => false,
    },
  );
  submit(fork, "instances", instances, "host", instanceCpus, instanceMemoryBytes);
  submit(fork, "cloudlets", cloudlets, "vm", cloudletCpus, 0);
  await fork.run(() => fork.outcomes.has("cloudlets"));
  if (fork.outcomes.get("cloudlets")?.phase !== "succeeded" || ran.length !== cloudlets)
    throw new Error(`Cannot measure as only ${ran.length} of ${cloudlets} cloudlets have begun`);
  fork.space.commit((tx) => cancelJob(tx, { name: "instances" }, "idle", fork.clock.now()));
  await fork.run(() => fork.outcomes.size === 2);
  const metrics = metricsOf(ran);
  return { Seconds: (performance.now() - startMs) / 1000, ...metrics, Instances: hostOf.size };
}

function submit(
  fork: Fork,
  id: string,
  tasks: number,
  on: string,
  cpus: number,
  memoryBytes: number,
): void {
  const step = {
    name: id,
    run: { driver: "process", command: [id] },
    needs: { cpus, memoryBytes, labels: { kind: on } },
    source: { type: "list" },
  };
  const request = jobRequest.parse({ title: id, steps: [step] });
  const asked = { request, project: "p", submittedBy: "bench", now: fork.clock.now(), id };
  fork.space.commit((tx) => submitJob(tx, asked));
  const inputs = Array<{ input: string }>(tasks).fill({ input: "null" });
  fork.space.commit((tx) => appendTasks(tx, { name: `${id}/0` }, 0, inputs, true));
}

function metricsOf(ran: readonly Ran[]): Record<string, number> {
  const spanMs = ran.reduce((last, { endedMs }) => Math.max(last, endedMs), 0);
  const cpuMsOfHosts = new Map<string, number>();
  for (const { host, beganMs, endedMs } of ran) {
    const cpuMs = cloudletCpus * (endedMs - beganMs);
    cpuMsOfHosts.set(host, (cpuMsOfHosts.get(host) ?? 0) + cpuMs);
  }
  const capacityMs = hostCpus * spanMs;
  let busyMs = 0;
  let joules = idleWatts * (hosts - cpuMsOfHosts.size) * (spanMs / 1000);
  for (const cpuMs of cpuMsOfHosts.values()) {
    busyMs += cpuMs;
    joules += (idleWatts + (peakWatts - idleWatts) * (cpuMs / capacityMs)) * (spanMs / 1000);
  }
  const waits = ran.map(({ beganMs }) => beganMs);
  const responses = ran.map(({ endedMs }) => endedMs);
  return {
    UseShare: busyMs / (hosts * capacityMs),
    BusyHosts: cpuMsOfHosts.size,
    EnergyKwh: joules / 3.6e6,
    MeanWaitMs: mean(waits),
    P99WaitMs: quantile(waits, 0.99),
    MeanResponseMs: mean(responses),
    P99ResponseMs: quantile(responses, 0.99),
    PromiseKeptShare: mean(waits.map((ms) => +(ms <= promisedWaitMs))),
    SpanMs: spanMs,
  };
}

const mean = (values: readonly number[]) =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

function machineOf(name: string, kind: string, cpus: number, memoryBytes: number): MachineRecord {
  return {
    kind: "machine",
    project: "",
    serial: 0,
    name,
    revision: 0,
    spec: { keyDigest: "", joinedAt: 0, site: "bench", labels: { kind }, cordoned: false },
    status: {
      hostname: name,
      os: "linux",
      arch: "x64",
      version: "0",
      drivers: ["process"],
      capacity: { milliCpus: cpus * 1000, memoryBytes },
      rates: { microsPerHour: undefined, idleWatts, peakWatts, pue: 1 },
    },
  };
}
