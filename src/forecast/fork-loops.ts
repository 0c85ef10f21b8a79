import type { CarbonZones } from "#/autonomic/carbon/zones.ts";
import { startFleet } from "#/autonomic/fleet/fleet.ts";
import { startGoals } from "#/autonomic/goals/goals.ts";
import { KnownRules } from "#/autonomic/known-rules.ts";
import { spentBy } from "#/autonomic/spending.ts";
import { limits } from "#/base/limits.ts";
import { silent } from "#/base/log.ts";
import type { Loop } from "#/base/loop.ts";
import type { Random } from "#/base/random.ts";
import type { SimulatedClock } from "#/base/simulated-clock.ts";
import { steadyClock } from "#/base/steady-clock.ts";
import { cancelJob } from "#/jobs/submit.ts";
import { hasJobEnded, type JobRecord } from "#/model/job.ts";
import { policyOf } from "#/model/policy.ts";
import type { Change } from "#/model/record.ts";
import type { Scheduler } from "#/scheduler/scheduler.ts";
import type { Space } from "#/space/space.ts";
import type { MomentAutonomy } from "./autonomy.ts";
import type { ForkKnowledge } from "./fork-knowledge.ts";
import type { ForkSites } from "./fork-sites.ts";

interface Parts {
  space: Space;
  clock: SimulatedClock;
  scheduler: Scheduler;
  random: Random;
  sites: ForkSites;
  knowledge: ForkKnowledge;
  zones: CarbonZones;
}

/** Time between looks is this part of the time that is left, or that has passed. */
const lookShare = 1 / 40;
const lookMsMin = 2_000;
/** What has to be done about a job that has ended is done so soon. */
const soonMs = 1_000;
/** A fork looks so often by itself, and then only after something has changed: it is not to look for ever. */
const looksMax = 1_000;

/**
 * The loops that keep goals, carry out orders and look after fleets, as they are, in a fork. The cloud looks each
 * second, and a look plans anew; a fork looks the more often the nearer a deadline is, or a budget is to its end, or
 * the less fleets let wait, and after something has changed.
 */
export class ForkLoops {
  #parts: Parts;
  #beganAt: number;
  #loops: Loop[] = [];
  #goals = new Set<string>();
  #fleetMs = Infinity;
  #idleMs = 0;
  #looks = 0;
  #dueAt = Infinity;
  #isIdleDue = false;

  constructor({ policies }: MomentAutonomy, parts: Parts) {
    this.#parts = parts;
    this.#beganAt = parts.clock.now();
    const fleets = policies.flatMap((policy) => policyOf(policy, "autonomic")?.fleet ?? []);
    const waitMs = Math.min(...fleets.map(({ waitMsMax }) => waitMsMax));
    if (fleets.length === 0) return;
    this.#fleetMs = Math.max(limits.fleetLookMs, waitMs / 20);
    this.#idleMs = Math.max(...fleets.map(({ idleMs }) => idleMs)) + 2 * this.#fleetMs;
  }

  async start({ policies }: MomentAutonomy): Promise<void> {
    const { space, clock: wallClock, scheduler } = this.#parts;
    const rules = new KnownRules(space);
    // Compiled now: nothing in a fork waits for anything but its own time.
    for (const { project } of policies) await rules.of(project);
    const clock = steadyClock(wallClock);
    const given = { ...this.#parts, clock, rules, field: scheduler, log: silent };
    const goals = {
      ...given,
      createToken: () => "",
      urls: () => [],
      cancelJob: (...asked: Parameters<typeof cancelJob>) => void cancelJob(...asked),
      everyMs: limits.forkLookMs,
    };
    const fleets = { ...given, everyMs: Math.min(this.#fleetMs, limits.forkLookMs) };
    this.#loops = [startGoals(goals, wallClock), startFleet(fleets, wallClock)];
    for (const job of space.all("job")) if (isOpenGoal(job)) this.#goals.add(job.name);
    space.onApplied((changes) => this.#see(changes));
    this.#look();
  }

  #see(changes: readonly Change[]): void {
    let hasChanged = false;
    let hasEnded = false;
    for (const { op, record } of changes) {
      if (record.kind === "decision") continue;
      hasChanged = true;
      if (record.kind !== "job") continue;
      if (op === "put" && isOpenGoal(record)) this.#goals.add(record.name);
      else if (this.#goals.delete(record.name)) hasEnded = true;
    }
    if (!hasChanged) return;
    this.#lookIn(hasEnded ? soonMs : Math.min(this.#fleetMs, this.#restMs()));
    this.#lookWhenIdle();
  }

  #look(): void {
    this.#dueAt = Infinity;
    for (const loop of this.#loops) loop.wake();
    if (this.#goals.size > 0 && this.#looks++ < looksMax) this.#lookIn(this.#restMs());
  }

  #lookIn(delayMs: number): void {
    const { clock } = this.#parts;
    const at = clock.now() + delayMs;
    if (at >= this.#dueAt) return;
    this.#dueAt = at;
    clock.after(delayMs, () => {
      if (this.#dueAt === at) this.#look();
    });
  }

  /** Once more when machines of a fleet may have been idle for long enough. */
  #lookWhenIdle(): void {
    if (this.#isIdleDue || this.#idleMs === 0) return;
    this.#isIdleDue = true;
    this.#parts.clock.after(this.#idleMs, () => {
      this.#isIdleDue = false;
      for (const loop of this.#loops) loop.wake();
    });
  }

  /** Until it is looked again after goals. */
  #restMs(): number {
    if (this.#goals.size === 0) return limits.forkLookMs;
    const { space, clock } = this.#parts;
    const now = clock.now();
    let restMs = (now - this.#beganAt) * lookShare;
    let heldMs = Infinity;
    for (const name of this.#goals) {
      const job = space.get("job", name);
      if (!job) continue;
      const { held } = job.status; // what waits for cleaner power goes on at that moment
      if (held && held.until > now) heldMs = Math.min(heldMs, held.until - now);
      const leftMs = (job.spec.goal!.deadlineAt ?? -Infinity) - now;
      if (leftMs > 0) restMs = Math.min(restMs, leftMs * lookShare);
      if (restMs > lookMsMin && this.#isSpent(job, now + restMs)) restMs = lookMsMin;
    }
    return Math.min(heldMs, limits.forkLookMs, Math.max(lookMsMin, restMs));
  }

  /** Whether its budget is at its end by then. */
  #isSpent(job: JobRecord, at: number): boolean {
    const { budgetMicros } = job.spec.goal!;
    if (budgetMicros === undefined) return false;
    const { space, scheduler, sites } = this.#parts;
    const spent = spentBy(at, {
      job,
      steps: [...space.list("step", job.name)],
      running: scheduler.leases(job.name),
      orders: sites.openOrders(job.name),
      machine: (name) => space.get("machine", name),
    });
    return spent === undefined || spent >= budgetMicros;
  }
}

function isOpenGoal(job: JobRecord): boolean {
  return job.spec.goal !== undefined && !hasJobEnded(job);
}
