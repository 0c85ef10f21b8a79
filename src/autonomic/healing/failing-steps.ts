import { limits } from "#/base/limits.ts";
import type { DecisionSpec } from "#/model/decision.ts";
import { hasStepEnded, type Slowed, type StepRecord } from "#/model/step.ts";
import { jobOf } from "#/model/task.ts";
import { briefDuration } from "#/model/units.ts";
import { decide } from "../decide.ts";
import { leaveFor } from "../levels.ts";
import { kindOfStep } from "./health-follow.ts";
import type { HealingParts } from "./healing.ts";
import { healLevel } from "./level.ts";
import type { MachineHealth } from "./machine-health.ts";

/** How a step stood at one moment, on the monotonic clock. */
interface Before {
  atMs: number;
  failures: number;
  succeeded: number;
}

/**
 * Steps whose tasks fail in masses, on whatever machine: each fails at once and the next one is taken, so that
 * they would have the machines to themselves. They are handed out one by one, with a time between that doubles,
 * until some end well. That a step is slowed is in its record.
 */
export class FailingSteps {
  #parts: HealingParts;
  #health: MachineHealth;
  /** Changed since the last look. */
  #touched = new Set<string>();
  #before = new Map<string, Before>();
  #said = new Set<string>();
  #stopListening: () => void;

  constructor(parts: HealingParts, health: MachineHealth) {
    this.#parts = parts;
    this.#health = health;
    this.#stopListening = parts.space.onDurable(({ changes }) => {
      for (const { record } of changes) if (record.kind === "step") this.#touched.add(record.name);
    });
  }

  stop(): void {
    this.#stopListening();
  }

  look(): void {
    const { space } = this.#parts;
    for (const name of this.#touched) {
      const step = space.get("step", name);
      if (step && !hasStepEnded(step)) this.#lookAt(step);
      else {
        this.#before.delete(name);
        this.#said.delete(name);
      }
    }
    this.#touched.clear();
  }

  #lookAt(step: StepRecord): void {
    const { clock } = this.#parts;
    const { status, name, spec } = step;
    if (spec.gang !== undefined || healLevel(this.#parts.space, step.project) === "manual") return;
    const nowMs = clock.monotonicMs();
    const now = {
      atMs: nowMs,
      failures: status.failed + status.retried,
      succeeded: status.succeeded,
    };
    const before = this.#before.get(name) ?? this.#first(step, now);
    const failed = now.failures - before.failures;
    const good = now.succeeded - before.succeeded;
    const forMs = nowMs - before.atMs;
    const { slowed } = status;
    if (slowed) {
      if (good >= limits.slowedGoodMin && good > failed) return this.#lift(step, slowed, good, now);
      const isDue = forMs >= 2 * slowed.everyMs && slowed.everyMs < limits.slowedMsMax;
      if (failed > good && isDue)
        this.#slow(step, Math.min(2 * slowed.everyMs, limits.slowedMsMax), {
          failed,
          good,
          forMs,
          now,
        });
      return;
    }
    const isPoor = failed >= limits.poisonFailuresMin && good <= limits.poisonGoodShareMax * failed;
    if (isPoor && this.#failsEverywhere(name))
      return this.#slow(step, limits.slowedMsMin, { failed, good, forMs, now });
    if (forMs > limits.poisonMs) this.#before.set(name, now);
  }

  /** What it was when it began, if that was lately. */
  #first({ name, status }: StepRecord, now: Before): Before {
    const ageMs = this.#parts.clock.now() - (status.startedAt ?? 0);
    const isNew = ageMs >= 0 && ageMs <= limits.poisonMs;
    const before = isNew ? { atMs: now.atMs - ageMs, failures: 0, succeeded: 0 } : now;
    this.#before.set(name, before);
    return before;
  }

  /** Where others do well with the same, it is the machine's fault. */
  #failsEverywhere(step: string): boolean {
    const { space, field } = this.#parts;
    const { failing, good } = this.#health.spread(kindOfStep(space, step));
    const machines = field.machines().filter(({ connected }) => connected).length;
    return good === 0 && failing >= Math.min(2, machines);
  }

  #slow(
    step: StepRecord,
    everyMs: number,
    { failed, good, forMs, now }: { failed: number; good: number; forMs: number; now: Before },
  ): void {
    const at = this.#parts.clock.now();
    const reason = `${failed} attempts failed in ${briefDuration(forMs)}, whatever the machine, and ${good} tasks ended well`;
    const slowed: Slowed = { since: step.status.slowed?.since ?? at, everyMs, reason };
    this.#change(step, slowed, {
      at,
      action: "slow",
      what: `slowed step '${step.spec.name}': one of its tasks is handed out every ${briefDuration(everyMs)}`,
      why: [reason],
      flip: `${limits.slowedGoodMin} of its tasks that end well end that; canopy cancel ${jobOf(step.name)} ends the job`,
      subject: step.name,
    });
    this.#before.set(step.name, now);
  }

  #lift(step: StepRecord, { reason }: Slowed, good: number, now: Before): void {
    this.#change(step, undefined, {
      at: this.#parts.clock.now(),
      action: "readmit",
      what: `hands out step '${step.spec.name}' at full speed again`,
      why: [`${good} of its tasks ended well since it was slowed, as ${reason}`],
      flip: "with more that failed than ended well it would still be slowed",
      subject: step.name,
    });
    this.#before.set(step.name, now);
  }

  #change({ name, project }: StepRecord, slowed: Slowed | undefined, decision: DecisionSpec): void {
    const { space, log } = this.#parts;
    const level = healLevel(space, project);
    const about = { project, name: jobOf(name) };
    if (level === "act") {
      space.commit((tx) => {
        const step = tx.get("step", name);
        if (!step || hasStepEnded(step)) return;
        const { slowed: _, ...status } = step.status;
        tx.put({ ...step, status: { ...status, ...(slowed && { slowed }) } });
        decide(tx, about, decision);
      });
      log.warn(`healing: Canopy ${decision.what}`, { step: name });
      return;
    }
    if (this.#said.has(name)) return;
    this.#said.add(name);
    const would = `did not, but would have: ${decision.what}`;
    const sees = "sees that the tasks of a step fail in masses";
    const { says } = leaveFor(level, { action: "heal", would, sees, policy: "the policy" });
    if (says) space.commit((tx) => decide(tx, about, { ...decision, action: "hold", ...says }));
  }
}
