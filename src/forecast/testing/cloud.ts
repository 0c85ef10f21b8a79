import { Knowledge } from "#/autonomic/knowledge/follow.ts";
import { silent } from "#/base/log.ts";
import { submitJob } from "#/jobs/submit.ts";
import { ratesOf } from "#/meter/prices.ts";
import { jobRequest, type JobRequestInput } from "#/model/job-request.ts";
import type { JobGoal } from "#/model/job.ts";
import type { MachineRecord } from "#/model/machine.ts";
import { autonomicPolicyName, type FleetPolicy } from "#/model/policy.ts";
import type { Offer } from "#/model/site.ts";
import type { Fates } from "../attempts.ts";
import { Fork } from "../fork.ts";
import { takeMoment, type Moment } from "../moment.ts";
import { noAutonomy } from "../autonomy.ts";
import { emptyMoment } from "../recording.ts";

/** A cloud in simulated time whose tasks take as long as is said: to take moments of, and to see how it really went. */
export class TestCloud {
  readonly fork: Fork;
  readonly knowledge: Knowledge;
  /** What its sites would give. */
  offers: readonly Offer[] = [];

  private constructor(fork: Fork) {
    this.fork = fork;
    this.knowledge = new Knowledge(fork.space);
    this.knowledge.start({ clock: fork.clock, log: silent });
  }

  /** With `offers`, Canopy buys in it for jobs that have goals. */
  static async open(
    machines: readonly MachineRecord[],
    fates: Fates,
    offers?: readonly Offer[],
  ): Promise<TestCloud> {
    const empty = emptyMoment(0, machines);
    const autonomy = offers && { autonomy: { ...noAutonomy, offers } };
    const cloud = new TestCloud(await Fork.open({ ...empty, ...autonomy }, fates));
    if (offers) cloud.offers = offers;
    return cloud;
  }

  /** Machines that the project's jobs share. */
  share(fleet: FleetPolicy): void {
    const autonomy = { buy: "act", release: "act" } as const;
    this.fork.space.commit((tx) =>
      tx.put<"policy">({
        kind: "policy",
        project: "p",
        name: autonomicPolicyName("p"),
        spec: { type: "autonomic", timeZone: "UTC", autonomy, fleet },
        status: {},
      }),
    );
  }

  submit(id: string, request: JobRequestInput, project = "p", goal?: Partial<JobGoal>): void {
    const { space, clock } = this.fork;
    const asked = { request: jobRequest.parse(request), project, submittedBy: "test", id };
    const whole = goal && { goal: { plan: "", objective: "cost", ...goal } as const };
    space.commit((tx) => submitJob(tx, { ...asked, ...whole, now: clock.now() }));
  }

  /** Takes as many turns as it has slices, and no time. */
  async moment(withAutonomy = false): Promise<Moment> {
    const { space, scheduler, clock } = this.fork;
    let isTaken = false;
    const { knowledge, offers } = this;
    const parts = { space, scheduler, clock, knowledge, offers: () => offers, withAutonomy };
    const taken = takeMoment(parts).finally(() => {
      isTaken = true;
    });
    await clock.run(() => isTaken);
    return taken;
  }

  /** Lets time pass until so many milliseconds after the start. */
  async until(atMs: number): Promise<void> {
    this.fork.clock.after(atMs - this.fork.clock.now(), () => {});
    await this.fork.run(() => this.fork.clock.now() >= atMs);
  }
}

export function machineOf(name: string, cpus: number): MachineRecord {
  const capacity = { milliCpus: cpus * 1000, memoryBytes: 8 * 2 ** 30 };
  return {
    kind: "machine",
    project: "",
    serial: 0,
    name,
    revision: 1,
    spec: { keyDigest: "", joinedAt: 0, site: "lab", labels: {}, cordoned: false },
    status: {
      hostname: name,
      os: "linux",
      arch: "x64",
      version: "0",
      capacity,
      drivers: ["process", "runner"],
      rates: ratesOf(capacity),
    },
  };
}

/** Of eight CPUs, four at most. */
export const offer: Offer = {
  site: "far",
  name: "large",
  capacity: { milliCpus: 8000, memoryBytes: 16 * 2 ** 30 },
  labels: {},
  market: "on-demand",
  zone: "",
  microsPerHour: 400_000,
  priceGranularityMs: 1000,
  billedMsMin: 0,
  idleWatts: undefined,
  peakWatts: undefined,
  pue: undefined,
  gramsPerKwh: undefined,
  bootMs: { median: 120_000, p90: 200_000 },
  interruptionsPerHour: 0,
  countMax: 4,
};

/** A step of tasks that run one program. */
export function work(name: string, tasks: number, more: { after?: string[]; cpus?: number } = {}) {
  const { after = [], cpus = 1 } = more;
  return {
    name,
    after,
    run: { driver: "process" as const, command: [name] },
    needs: { cpus },
    source: { type: "inputs" as const, inputs: Array<null>(tasks).fill(null) },
  };
}
