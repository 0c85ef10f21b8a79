import { limits } from "#/base/limits.ts";
import type { DecisionSpec } from "#/model/decision.ts";
import { hasJobEnded, type JobRecord } from "#/model/job.ts";
import type { StepRecord } from "#/model/step.ts";
import { jobOf } from "#/model/task.ts";
import { briefDuration } from "#/model/units.ts";
import type { Transaction } from "#/space/space.ts";
import { decide } from "../decide.ts";
import { leaveFor } from "../levels.ts";
import type { Attempt, JobUnderWay, StepUnderWay, underWay } from "./attempts.ts";
import { mayCost } from "./copy-budget.ts";
import type { HealingParts } from "./healing.ts";
import { hungAfterMs, mayBeHung } from "./hung.ts";
import { healLevel } from "./level.ts";
import { likeOf, type Like } from "./like.ts";
import { isStraggler, outlookOf, seenOf, type Outlook } from "./outlook.ts";

/** What would be done about an attempt, and why. */
interface Remedy {
  readonly what: string;
  /** As something that was not done: "would begin …". */
  readonly wish: string;
  readonly why: readonly string[];
  readonly flip: string;
  readonly action: "copy" | "end" | "warn";
  /** Does it, and `also` in the same commit. False when it is too late. */
  readonly act: (also: (tx: Transaction) => void) => boolean;
}

/** Attempts that take far longer than their like: a second one beside them, or their end. */
export class SlowTasks {
  #parts: HealingParts;
  /** What was said of a task and not done, so that it is said once. */
  #said = new Map<string, string>();

  constructor(parts: HealingParts) {
    this.#parts = parts;
  }

  look({ steps, jobs }: ReturnType<typeof underWay>): void {
    for (const under of steps) this.#lookAt(under, jobs);
    this.#forget(steps);
  }

  #lookAt(under: StepUnderWay, jobs: ReadonlyMap<string, JobUnderWay>): void {
    const { space, knowledge } = this.#parts;
    const { step, alone } = under;
    const job = space.get("job", jobOf(step.name));
    if (!job || hasJobEnded(job) || healLevel(space, step.project) === "manual") return;
    const counts = jobs.get(job.name)!;
    for (const attempt of alone.slice(0, limits.healAttemptsMax)) {
      if (attempt.ranMs < limits.copyAfterMs) break;
      const slowness = this.#slownessOf(attempt.machine);
      const others = under.attempts.filter((other) => other !== attempt);
      const runningMs = others.slice(0, limits.healOthersMax).map(({ ranMs }) => ranMs);
      const like = likeOf(knowledge.runTimes, step, runningMs);
      const seen = { ranMs: attempt.ranMs, slowness, machine: attempt.machine };
      const remedy =
        this.#copy(job, attempt, { like, counts, seen }) ??
        this.#end(step, attempt, { like: likeOf(knowledge.runTimes, step, []), seen });
      if (remedy) this.#heal(job, attempt, remedy, counts);
    }
  }

  #slownessOf(name: string): number {
    const machine = this.#parts.space.get("machine", name);
    return machine ? this.#parts.knowledge.slownessOf(machine) : 1;
  }

  #copy(
    job: JobRecord,
    attempt: Attempt,
    {
      like,
      counts,
      seen,
    }: {
      like: Like;
      counts: JobUnderWay;
      seen: { ranMs: number; slowness: number; machine: string };
    },
  ): Remedy | undefined {
    const { space, field } = this.#parts;
    const copiesMax = Math.min(
      limits.jobCopiesMax,
      Math.max(1, Math.floor(counts.tasks * limits.jobCopiesShareMax)),
    );
    const before = space.get("task", attempt.task)?.status.copies?.length ?? 0;
    if (counts.copies >= copiesMax || before >= limits.taskCopiesMax) return undefined;
    if (!isStraggler(like, seen, outlookOf(like.runMs, seen, 1))) return undefined;
    const [best] = this.#spare(job, attempt, { like, seen });
    if (!best) return undefined;
    const { machine, outlook } = best;
    const percent = Math.round(outlook.chance * 100);
    return {
      action: "copy",
      what: `began a second attempt of ${attempt.task} on ${machine}`,
      wish: `would begin a second attempt of ${attempt.task} on ${machine}`,
      why: [
        seenOf(like, seen),
        `it would take ${briefDuration(outlook.leftMs)} more, and a fresh one on ${machine}, which is free, about ${briefDuration(outlook.freshMs)}: that one ends first with a chance of ${percent} %`,
      ],
      flip: "with speculate: false in its step, or while something else waited for that machine, it would have been left alone",
      act: (also) => field.beginCopy(attempt, machine, also),
    };
  }

  /** Machines that could take it and on which it would probably end first, the best one first. */
  #spare(
    job: JobRecord,
    attempt: Attempt,
    { like, seen }: { like: Like; seen: { ranMs: number; slowness: number } },
  ): { machine: string; outlook: Outlook }[] {
    const { space, field } = this.#parts;
    const now = this.#parts.clock.now();
    const forMs = like.runMs.quantileMs(0.95);
    const attempts = field.leases();
    return field
      .spareFor(attempt.task)
      .map((machine) => ({
        machine,
        outlook: outlookOf(like.runMs, seen, this.#slownessOf(machine)),
      }))
      .filter(({ outlook }) => isStraggler(like, seen, outlook))
      .filter(({ machine }) => mayCost(space, job, { attempt, machine, forMs }, { attempts, now }))
      .sort((a, b) => a.outlook.freshMs - b.outlook.freshMs);
  }

  #end(
    step: StepRecord,
    attempt: Attempt,
    { like, seen }: { like: Like; seen: { ranMs: number; slowness: number; machine: string } },
  ): Remedy | undefined {
    const { space, field } = this.#parts;
    const task = space.get("task", attempt.task);
    if (!task || !mayBeHung(step)) return undefined;
    const afterMs = hungAfterMs(like, seen.slowness);
    if (attempt.ranMs <= (afterMs ?? limits.hungReportMs)) return undefined;
    if (afterMs === undefined)
      return {
        action: "warn",
        what: `does not know whether ${attempt.task} hangs`,
        wish: `does not know whether ${attempt.task} hangs`,
        why: [
          `it has run for ${briefDuration(attempt.ranMs)} on ${attempt.machine}, and too few of its like have ended to say how long one takes: ${like.ended}`,
        ],
        flip: `with timeoutMs in its step it would be ended by then; canopy logs ${attempt.task} shows what it does`,
        act: (also) => this.#only(also),
      };
    const failures = task.status.attempts?.length ?? 0;
    const why = [
      seenOf(like, seen),
      `one that runs for more than ${limits.hungFactor} times as long as 99 % of its like, ${briefDuration(afterMs)}, is taken to hang`,
    ];
    if (failures >= step.spec.template.retries)
      return {
        action: "warn",
        what: `left ${attempt.task} running although it seems to hang`,
        wish: `would leave ${attempt.task} running although it seems to hang`,
        why: [...why, "its retries are used up, so that its end would be the task's"],
        flip: "with more retries in its step it would have been ended and tried again",
        act: (also) => this.#only(also),
      };
    const message = `Canopy ended it after ${briefDuration(attempt.ranMs)} as its like take ${briefDuration(like.runMs.quantileMs(0.99))} at most: it was taken to hang`;
    return {
      action: "end",
      what: `ended ${attempt.task} on ${attempt.machine}, to be tried again`,
      wish: `would end ${attempt.task} on ${attempt.machine}, to be tried again`,
      why,
      flip: "with a timeoutMs of its own in its step, that alone would end it",
      act: (also) => field.endAttempt(attempt, { reason: "hung", message }, also),
    };
  }

  #only(also: (tx: Transaction) => void): boolean {
    this.#parts.space.commit(also);
    return true;
  }

  /** Does what the project's policy lets Canopy do, and says what it does not let it do. */
  #heal(job: JobRecord, attempt: Attempt, remedy: Remedy, counts: JobUnderWay): void {
    const { space, clock, log } = this.#parts;
    const level = healLevel(space, job.project);
    const { action, what, wish, why, flip } = remedy;
    const key = `${attempt.task} ${attempt.fence}`;
    const base = { at: clock.now(), why, subject: attempt.task };
    const write = (decision: DecisionSpec) => (tx: Transaction) => decide(tx, job, decision);
    if (level === "act") {
      if (action === "warn" && this.#said.get(key) === action) return;
      if (!remedy.act(write({ ...base, action, what, flip }))) return;
      if (action === "copy") counts.copies++;
      if (action === "warn") this.#said.set(key, action);
      log.info(`healing: ${what}`, { task: attempt.task, machine: attempt.machine });
      return;
    }
    if (this.#said.get(key) === action) return;
    this.#said.set(key, action);
    const sees = `sees that ${attempt.task} takes far longer than its like`;
    const { says } = leaveFor(level, { action: "heal", would: wish, sees });
    if (says) space.commit(write({ ...base, action: "hold", ...says }));
  }

  #forget(steps: readonly StepUnderWay[]): void {
    if (this.#said.size === 0) return;
    const live = new Set(
      steps.flatMap(({ alone }) => alone.map(({ task, fence }) => `${task} ${fence}`)),
    );
    for (const key of this.#said.keys()) if (!live.has(key)) this.#said.delete(key);
  }
}
