import type { CanopyError } from "#/base/errors.ts";
import { silent } from "#/base/log.ts";
import type { Random } from "#/base/random.ts";
import type { JobGoal } from "#/model/job.ts";
import type { OrderRecord } from "#/model/order.ts";
import { autonomicPolicyName, type AutonomicPolicy } from "#/model/policy.ts";
import type { Offer } from "#/model/site.ts";
import type { RunTimeBelief } from "#/planning/mix/problem.ts";
import type { SimulatedConfig } from "#/model/site-config.ts";
import { Rig } from "#/scheduler/testing/rig.ts";
import type { Leftover, MachineOrder } from "#/sites/site.ts";
import { SimulatedSite } from "#/sites/simulated.ts";
import { startAutonomic } from "../autonomic.ts";
import type { GangSpec } from "#/model/step.ts";
import { demandOf, gangOf, type Demand } from "../step-demand.ts";
import { CarbonZones } from "../carbon/zones.ts";
import { decisionsAbout } from "../decide.ts";
import type { SitePool } from "../pool.ts";
import { Knowledge } from "../knowledge/follow.ts";
import { hourMs } from "#/model/units.ts";
import { littered, unreliable } from "./faulty-site.ts";
import { Worker } from "./worker.ts";

const beatMs = 1000;

/**
 * A cloud in simulated time: the scheduler and the loop that keeps goals as they are, machines of a
 * simulated site that boot, work and are taken away, and tasks that take as long as they are told.
 */
export class SimulatedCloud {
  readonly rig: Rig;
  readonly site: SimulatedSite;
  readonly knowledge: Knowledge;
  readonly #workers = new Map<string, Worker>();
  readonly #taskMs: (task: string) => number;
  #offers: Offer[] = [];
  readonly #start: () => { stop(): void };
  #loop: { stop(): void };

  static async open(options: {
    site: SimulatedConfig;
    taskMs: (task: string) => number;
    random: Random;
    /** What a call to the site meets, when it is not answered as it should be. */
    fault?: () => CanopyError | undefined;
    /** What its machines have left behind when they have ended. */
    leftovers?: Leftover[];
  }): Promise<SimulatedCloud> {
    const rig = await Rig.open();
    return new SimulatedCloud(rig, options);
  }

  private constructor(rig: Rig, options: Parameters<typeof SimulatedCloud.open>[0]) {
    const { site, taskMs, random, fault = () => undefined, leftovers } = options;
    this.rig = rig;
    this.#taskMs = taskMs;
    const { clock, space, scheduler } = rig;
    this.site = new SimulatedSite(site, {
      name: "lab",
      clock,
      world: {
        booted: (order) => this.#join(order),
        ended: (order) => this.#workers.get(order)?.end(),
      },
    });
    const look = () => this.#look();
    void look();
    const sites: SitePool = {
      offers: () => this.#offers,
      site: () => Promise.resolve(littered(unreliable(this.site, fault), leftovers)),
      look,
    };
    rig.commit((tx) =>
      tx.put<"site">({
        kind: "site",
        project: "",
        name: "lab",
        spec: { createdAt: 0, config: site },
        status: { health: "healthy", since: 0 },
      }),
    );
    this.knowledge = new Knowledge(space);
    this.knowledge.start({ clock, log: silent });
    this.#start = () =>
      startAutonomic({
        space,
        field: scheduler,
        sites,
        zones: new CarbonZones({ space, clock }),
        knowledge: this.knowledge,
        clock,
        random,
        log: silent,
        urls: () => [],
        createToken: () => "token",
        cancelJob: (tx, job, reason) => {
          tx.put({ ...job, status: { ...job.status, phase: "cancelled", reason } });
          for (const step of space.list("step", job.name))
            tx.put({ ...step, status: { ...step.status, phase: "cancelled" } });
        },
      });
    this.#loop = this.#start();
  }

  /** A machine that is there from the start. */
  machine(name: string, cpus: number): void {
    this.rig.machine(name, { cpus });
    this.#workers.set(name, new Worker(this.rig, name, this.#taskMs));
  }

  /** A machine that was there is gone. */
  away(name: string): void {
    this.#workers.get(name)!.end();
    this.#workers.delete(name);
  }

  /**
   * A job with a goal: so many tasks of one CPU, with what its plan believed of their run times; as a gang, where it
   * says so.
   */
  job(
    name: string,
    tasks: number,
    belief: RunTimeBelief,
    goal: Partial<Omit<JobGoal, "plan">>,
    gang?: GangSpec,
  ): void {
    this.workflow(name, [{ tasks, belief, after: [], ...(gang && { gang }) }], goal);
  }

  /** A job of several such steps. */
  workflow(
    name: string,
    steps: readonly SimulatedStep[],
    goal: Partial<Omit<JobGoal, "plan">>,
  ): void {
    const { kinds: work, chainMs } = demandOfSteps(steps);
    this.rig.commit((tx) => {
      tx.put<"plan">({
        kind: "plan",
        project: "p",
        name: `plan-${name}`,
        spec: {
          title: name,
          madeBy: "test",
          madeAt: 0,
          request: "",
          goal: { objective: "cost" },
          work,
          chainMs,
          considered: [],
          predicted: {
            finishMs: { likely: 0, high: 0 },
            costMicros: undefined,
            joules: undefined,
            grams: undefined,
          },
          bound: 0,
        },
        status: { phase: "approved", job: name },
      });
      const spec = {
        title: name,
        submittedBy: "test",
        submittedAt: 0,
        priority: 0,
        onFailure: "stop",
      } as const;
      tx.put({
        kind: "job",
        project: "p",
        name,
        spec: { ...spec, goal: { plan: `plan-${name}`, objective: "cost", ...goal } },
        status: { phase: "running", open: false, steps: steps.length },
      });
    });
    for (const [number, { tasks, after, gang }] of steps.entries())
      this.rig.step(`${name}/${number}`, tasks, {
        spec: { after: after.map((before) => `${name}/${before}`), ...(gang && { gang }) },
        status: { phase: after.length > 0 ? "blocked" : "running" },
      });
  }

  /** How clean all power is from the hour that has begun on, in gCO2eq/kWh. */
  power(gramsPerKwh: readonly number[]): void {
    const firstHour = Math.floor(this.rig.clock.now() / hourMs);
    this.rig.commit((tx) =>
      tx.put<"carbon-zone">({
        kind: "carbon-zone",
        project: "",
        name: "here",
        spec: { createdAt: 0, isDefault: true },
        status: { firstHour, gramsPerKwh },
      }),
    );
  }

  /** The policy of the project. */
  policy(more: Partial<AutonomicPolicy>): void {
    this.rig.commit((tx) =>
      tx.put<"policy">({
        kind: "policy",
        project: "p",
        name: autonomicPolicyName("p"),
        spec: {
          type: "autonomic",
          timeZone: "UTC",
          autonomy: { buy: "act", release: "act" },
          ...more,
        },
        status: {},
      }),
    );
  }

  /** A job without a goal: so many tasks of one CPU. */
  burst(name: string, tasks: number, title = name): void {
    this.rig.commit((tx) => {
      const submittedAt = this.rig.clock.now();
      const spec = { title, submittedBy: "test", submittedAt, priority: 0 } as const;
      tx.put<"job">({
        kind: "job",
        project: "p",
        name,
        spec: { ...spec, onFailure: "stop" },
        status: { phase: "running", open: false, steps: 1 },
      });
    });
    this.rig.step(`${name}/0`, tasks);
  }

  /** Lets time pass; `each` is called before each second of it. */
  async pass(forMs: number, each: () => void = () => {}): Promise<void> {
    const { clock } = this.rig;
    const untilMs = clock.monotonicMs() + forMs;
    while (clock.monotonicMs() < untilMs) {
      each();
      await clock.advance(beatMs);
      for (const worker of this.#workers.values()) worker.beat();
      await this.#look();
      for (const job of this.rig.space.list("job")) this.#endJob(job.name);
    }
  }

  /** Lets time pass until the job has ended or `forMs` are over; gives when it ended, from now. */
  async untilEnded(job: string, forMs: number): Promise<number | undefined> {
    const { clock, space } = this.rig;
    const beganMs = clock.monotonicMs();
    while (clock.monotonicMs() - beganMs < forMs) {
      await clock.advance(beatMs);
      for (const worker of this.#workers.values()) worker.beat();
      await this.#look();
      this.#endJob(job);
      const { status } = space.get("job", job)!;
      if (status.phase !== "running") return clock.monotonicMs() - beganMs;
    }
    return undefined;
  }

  /** The loop begins anew, with nothing but the records, as in another process. */
  restart(): void {
    this.#loop.stop();
    this.#loop = this.#start();
  }

  async #look(): Promise<void> {
    this.#offers = await this.site.offers();
  }

  /** What its site would give now. */
  offers(): readonly Offer[] {
    return this.#offers;
  }

  orders(): OrderRecord[] {
    return [...this.rig.space.all("order")];
  }

  async decisions(job: string) {
    const found = decisionsAbout(this.rig.space, job, 1000);
    await this.rig.clock.advance(0);
    return (await found).map(({ spec }) => spec).reverse();
  }

  stop(): void {
    this.#loop.stop();
    this.knowledge.stop();
    this.rig.scheduler.stop();
  }

  /** What the jobs room does. */
  #endJob(name: string): void {
    const { rig } = this;
    const job = rig.space.get("job", name);
    if (job?.status.phase !== "running") return;
    const steps = [...rig.space.list("step", name)];
    for (const { name: step, status } of steps)
      if (status.phase === "running" && status.succeeded >= status.offered)
        rig.setPhase(step, "succeeded");
    const hasSucceeded = (step: string) =>
      rig.space.get("step", step)?.status.phase === "succeeded";
    for (const { name: step, status, spec } of steps)
      if (status.phase === "blocked" && spec.after.every(hasSucceeded))
        rig.setPhase(step, "running");
    if (steps.length > 0 && steps.every((step) => hasSucceeded(step.name)))
      rig.commit((tx) => tx.put({ ...job, status: { ...job.status, phase: "succeeded" } }));
  }

  #join({ name: order }: MachineOrder): void {
    const { rig } = this;
    const record = rig.space.get("order", order);
    if (!record || (record.status.phase !== "ordered" && record.status.phase !== "booting")) return;
    const now = rig.clock.now();
    const { capacity } = record.spec.offer;
    const name = `m-${order}`;
    rig.machine(name, { cpus: capacity.milliCpus / 1000, memoryBytes: capacity.memoryBytes });
    rig.commit((tx) => {
      const machine = tx.get("machine", name)!;
      tx.put({
        ...machine,
        spec: {
          ...machine.spec,
          order,
          ...(record.spec.job === undefined
            ? { reservedForProject: record.project }
            : { reservedFor: record.spec.job }),
        },
        status: { ...machine.status, rates: { ...machine.status.rates, microsPerHour: 0 } },
      });
      tx.put<"order">({
        ...record,
        status: { ...record.status, phase: "joined", since: now, joinedAt: now, machine: name },
      });
    });
    this.#workers.set(order, new Worker(rig, name, this.#taskMs));
  }
}

/** A step of tasks of one CPU, with what is believed of their run times. */
export interface SimulatedStep {
  readonly tasks: number;
  readonly belief: RunTimeBelief;
  /** Numbers of the steps that it waits for. */
  readonly after: readonly number[];
  readonly gang?: GangSpec;
}

/** What such steps are to a planner. */
export function demandOfSteps(steps: readonly SimulatedStep[]): Demand {
  const needs = { milliCpus: 1000, memoryBytes: 0, labels: {} };
  return demandOf(
    steps.map(({ tasks, belief, after, gang }, number) => ({
      name: `step${number}`,
      after: after.map((before) => `step${before}`),
      work: {
        kind: `step${number}`,
        tasks,
        ...belief,
        seen: "told",
        needs,
        driver: "runner",
        ...(gang && { gang: gangOf(gang, tasks) }),
      },
    })),
  );
}
