import { newStepStatus } from "#/model/step.ts";
import { silent } from "#/base/log.ts";
import { limits } from "#/base/limits.ts";
import { ManualClock } from "#/base/manual-clock.ts";
import type { ChaosTarget, Fault, GameDayRecord, HitRecord } from "#/model/game-day.ts";
import { chaosPolicyName, type ChaosPolicy } from "#/model/policy.ts";
import { readyStatus, type TaskStatus } from "#/model/task.ts";
import type { SpaceLog } from "#/space/log.ts";
import { MemoryLog } from "#/space/logs/memory.ts";
import { Space } from "#/space/space.ts";
import { startChaos } from "../chaos.ts";
import { startGameDay, type GameDayWish } from "../game-days.ts";
import type { Field, LeaseSeen } from "../situation.ts";

export const policyOf = (more: Partial<ChaosPolicy> = {}): ChaosPolicy => ({
  type: "chaos",
  autonomy: "manual",
  targets: ["task", "agent", "machine"],
  hitsMax: 10,
  hitsAtOnceMax: 1,
  machineShareMax: 0.5,
  lastMachine: false,
  neighbours: false,
  jobs: [],
  jobsNever: [],
  labels: {},
  labelsNever: {},
  timeZone: "UTC",
  gapMs: 0,
  awayMs: 15_000,
  healMsMax: 60_000,
  ...more,
});

type Listener = Parameters<Parameters<typeof startChaos>[0]["field"]["onHappening"]>[0];

interface Seat {
  connected: boolean;
}

/** How long things take in a fleet, in milliseconds. */
const noticeMs = 20;
const restMs = 500;
const agentBackMs = 900;

/**
 * Machines that run tasks without end and suffer what they are told, in simulated time: what the chaos
 * room is tried on. Its records are real; its leases follow the scheduler's promises and none of its code.
 */
export class Fleet implements Field {
  readonly clock = new ManualClock();
  space!: Space;
  readonly seats = new Map<string, Seat>();
  readonly held = new Map<string, LeaseSeen>();
  readonly struck: Fault[] = [];
  /** Set to keep what is hit from healing. */
  isHealing = true;
  /** Set to have agents say that the task was not there any more. */
  isGone = false;
  #fence = 0;
  #log: SpaceLog;
  #durable = new Set<string>();
  #chaos: { stop(): void } | undefined;
  #listener: Listener | undefined;

  private constructor(log: SpaceLog) {
    this.#log = log;
  }

  static async open(): Promise<Fleet> {
    const fleet = new Fleet(new MemoryLog());
    await fleet.start();
    return fleet;
  }

  /** The control plane starts; the machines and what they run are as they were. */
  async start(): Promise<void> {
    const onBroken = (error: unknown) => {
      throw error;
    };
    const { clock } = this;
    this.space = await Space.open({ log: this.#log, clock, report: silent, onBroken });
    this.space.onDurable(({ changes }) => {
      for (const { record } of changes) if (record.kind === "hit") this.#durable.add(record.name);
    });
    const random = { bytes: (count: number) => new Uint8Array(count), fraction: () => 0.5 };
    this.#chaos = startChaos({ space: this.space, field: this, clock, random, log: silent });
    await clock.advance(0);
  }

  /** It dies: nothing that was not on disk is left, and machines have no link. */
  async kill(): Promise<void> {
    this.#chaos!.stop();
    this.#listener = undefined;
    await this.clock.advance(0);
    await this.space.close();
  }

  machine(
    name: string,
    more: {
      labels?: Record<string, string>;
      faults?: readonly ChaosTarget[];
      cordoned?: boolean;
    } = {},
  ): void {
    const { labels = {}, faults = ["task", "agent", "machine"], cordoned = false } = more;
    const capacity = { milliCpus: 4000, memoryBytes: 2 ** 32 };
    this.space.commit((tx) =>
      tx.put<"machine">({
        kind: "machine",
        project: "",
        name,
        spec: { keyDigest: "", joinedAt: 0, site: "", labels, cordoned },
        status: {
          hostname: name,
          os: "linux",
          arch: "x64",
          version: "0",
          capacity,
          drivers: ["process"],
          faults,
          rates: { microsPerHour: undefined, idleWatts: 1, peakWatts: 2, pue: 1 },
        },
      }),
    );
    this.seats.set(name, { connected: true });
  }

  /** A job of that title whose tasks are under way, spread over the machines that there are. */
  job(
    name: string,
    tasks: number,
    more: { project?: string; title?: string; lost?: number } = {},
  ): void {
    const { project = "p", title = name, lost = 0 } = more;
    const step = `${name}/0`;
    this.space.commit((tx) => {
      tx.put<"job">({
        kind: "job",
        project,
        name,
        spec: { title, submittedBy: "", submittedAt: 0, priority: 0, onFailure: "stop" },
        status: { phase: "running", open: false, steps: 1 },
      });
      tx.put<"step">({
        kind: "step",
        project,
        name: step,
        spec: {
          name: "main",
          title: "main",
          after: [],
          template: {
            run: { driver: "process", command: ["true"], env: {}, stdin: false },
            needs: { milliCpus: 1000, memoryBytes: 0, labels: {} },
            retries: 2,
            retryMs: 500,
            inputs: [],
            outputs: [],
            reuse: false,
          },
          source: { type: "list" },
          onFailure: "stop",
        },
        status: { ...newStepStatus, phase: "running", offered: tasks, closed: true },
      });
      for (let index = 0; index < tasks; index++)
        tx.put<"task">({
          kind: "task",
          project,
          name: `${step}/${index}`,
          spec: { input: "null" },
          status: lost === 0 ? readyStatus : { ...readyStatus, lost },
        });
    });
    for (let index = 0; index < tasks; index++) this.#lease(`${step}/${index}`, index);
  }

  policy(more: Partial<ChaosPolicy> = {}, project = "p"): void {
    this.space.commit((tx) =>
      tx.put<"policy">({
        kind: "policy",
        project,
        name: chaosPolicyName(project),
        spec: policyOf(more),
        status: {},
      }),
    );
  }

  async gameDay(more: Partial<GameDayWish> = {}): Promise<string> {
    const wish = { project: "p", id: "g1", startedBy: "root", now: this.clock.now() };
    const { value } = this.space.commit((tx) =>
      startGameDay(this.space, tx, {
        ...wish,
        forMs: 60_000,
        everyMs: 5_000,
        seed: 1,
        dryRun: false,
        ...more,
      }),
    );
    await this.clock.advance(0);
    return value.name;
  }

  day(name = "p/g1"): GameDayRecord {
    return this.space.get("game-day", name)!;
  }

  hits(name = "p/g1"): HitRecord[] {
    return [...this.space.list("hit", name)];
  }

  /** Ends a task, as its agent would report. */
  end(task: string, status: Partial<TaskStatus> & Pick<TaskStatus, "phase">): void {
    this.held.delete(task);
    const record = this.space.get("task", task)!;
    this.space.commit((tx) => tx.archive<"task">({ ...record, status }));
  }

  // What the chaos room sees.

  machines(): { machine: string; connected: boolean }[] {
    return [...this.seats].map(([machine, { connected }]) => ({ machine, connected }));
  }

  leases(): LeaseSeen[] {
    return [...this.held.values()];
  }

  leaseOf(task: string): LeaseSeen | undefined {
    return this.held.get(task);
  }

  onHappening(listener: Listener): void {
    this.#listener = listener;
  }

  strike(machine: string, fault: Fault): boolean {
    if (!this.seats.get(machine)!.connected) return false;
    if (!this.#durable.has(fault.hit))
      throw new Error(`${fault.hit} was not on disk when it was done`);
    this.struck.push(fault);
    if (fault.kind === "task") this.#strikeTask(fault.hit, fault.task);
    else this.#unlink(machine, fault.kind === "agent" ? agentBackMs : fault.awayMs);
    return true;
  }

  // What becomes of it.

  #strikeTask(hit: string, [task, fence]: [string, number]): void {
    if (this.isGone || this.held.get(task)?.fence !== fence) {
      this.clock.after(1, () => this.#listener?.struck(hit, false));
      return;
    }
    this.clock.after(noticeMs, () => this.#lose(task, "waiting"));
  }

  #unlink(machine: string, awayMs: number): void {
    this.seats.get(machine)!.connected = false;
    const held = this.leases().filter((lease) => lease.machine === machine);
    const loseAll = () => {
      for (const { task, fence } of held)
        if (this.held.get(task)?.fence === fence) this.#lose(task, "ready");
    };
    this.clock.after(noticeMs, () => this.#listener?.unlinked(machine));
    if (awayMs > limits.leaseMs) this.clock.after(limits.leaseMs, loseAll);
    if (!this.isHealing) return;
    this.clock.after(awayMs, () => {
      this.seats.get(machine)!.connected = true;
      loseAll();
      this.#listener?.linked(machine);
    });
  }

  #lose(task: string, phase: "ready" | "waiting"): void {
    const record = this.space.get("task", task);
    const lease = this.held.get(task);
    if (!record || !lease) return;
    this.held.delete(task);
    const lost = (record.status.lost ?? 0) + (phase === "ready" ? 1 : 0);
    this.space.commit((tx) =>
      tx.put<"task">({ ...record, status: { phase, fence: lease.fence, lost } }),
    );
    if (this.isHealing) this.clock.after(restMs, () => this.#lease(task, lease.fence));
  }

  #lease(task: string, spread: number): void {
    const there = [...this.seats].filter(([, { connected }]) => connected);
    if (there.length === 0) return void this.clock.after(restMs, () => this.#lease(task, spread));
    const [machine] = there[spread % there.length]!;
    const since = this.clock.now();
    this.held.set(task, { task, machine, fence: ++this.#fence, since, isAhead: false });
  }
}
