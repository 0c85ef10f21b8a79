import type { Timer } from "#/base/clock.ts";
import { messageOf } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import type { Log } from "#/base/log.ts";
import type { Board } from "./board.ts";
import { claimPlaces, gangsToTry } from "./gang-places.ts";
import { keptOf, kindOfRoom, quotaSlots, resources, type Account } from "./quota.ts";
import { planReclaim, type ReclaimPlan } from "./reclaim-plan.ts";
import { stop } from "./preempt.ts";
import type { StepState } from "./state.ts";

/** Tasks of one step that get their place in one look. */
const turnsMax = 256;
/** It rests so many times as long as its last look took: with many thousands of tasks under way one takes long. */
const restFactor = 10;

/**
 * Gives projects back what is theirs by quota, and what is more urgent its place.
 *
 * Whoever stops a task throws away what it has done. So a task that waits takes the place of others
 * only when that is the lesser loss: when their work is no more than what its own CPUs would have done
 * while it waited, or when it has waited for `limits.reclaimMs`. While others start all the time, some
 * are always young, and little is lost; among tasks that last, none waits longer than that.
 *
 * When others get the place that was made for a task, as they are within their quota and it would borrow, nobody
 * else is stopped for it at once: each time it rests for twice as long, up to `limits.reclaimRestMsMax`, until one has begun.
 *
 * A task that may stop nobody, as those in its way have its priority, must not be passed by smaller
 * ones for ever: after `limits.passedOverMs` what it needs is kept for it as it becomes free.
 */
export class Reclaim {
  #board: Board;
  #log: Log;
  #serve: () => void;
  #timer: Timer | undefined;
  #isStopped = false;
  /** How long the last look took. */
  #tookMs = 0;

  /** `serve` hands out at once what can be. */
  constructor(board: Board, log: Log, serve: () => void) {
    this.#board = board;
    this.#log = log;
    this.#serve = serve;
  }

  /** Looks from now on, for as long as there are projects with a quota. */
  start(): void {
    if (this.#timer || this.#isStopped || this.#board.quotas.limited === 0) return;
    const delayMs = Math.max(limits.reclaimLookMs, restFactor * this.#tookMs);
    this.#timer = this.#board.clock.after(delayMs, () => this.#look(), true);
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
  }

  #look(): void {
    const { clock } = this.#board;
    const startMs = clock.monotonicMs();
    this.#timer = undefined;
    if (this.#board.isSure()) {
      for (const account of this.#board.quotas.all()) this.#review(account, startMs);
      for (const step of this.#waiting()) {
        for (let turn = 0; turn < turnsMax && this.#consider(step); turn++);
      }
    }
    this.#tookMs = clock.monotonicMs() - startMs;
    this.start();
  }

  /** Those that are denied what they need, the most urgent first. */
  #waiting(): StepState[] {
    const { queue } = this.#board;
    const found = new Set([...queue.heads(), ...gangsToTry(this.#board)]);
    const denied = [...found].filter(({ account }) => account.isLimited);
    return denied.sort((a, b) => b.priority - a.priority || a.waitsSinceMs - b.waitsSinceMs);
  }

  /** Whether a task of the step has got the place of others, so that the next one may as well. */
  #consider(step: StepState): boolean {
    if (!step.isInLine) return false;
    const nowMs = this.#board.clock.monotonicMs();
    const made = step.account.madeRoom.get(kindOfRoom(step));
    if (made && nowMs < made.untilMs) return false;
    const plan = planReclaim(this.#board, step, nowMs);
    if (plan && plan.victims.length > 0) {
      return isWorth(plan, step, nowMs) && this.#carryOut(plan, step);
    }
    if (!plan) this.#keep(step, nowMs);
    return false;
  }

  #carryOut({ victims, lostCpuMs }: ReclaimPlan, step: StepState): boolean {
    const { waitsSinceMs, account } = step;
    const nowMs = this.#board.clock.monotonicMs();
    try {
      stop(this.#board, victims, step);
    } catch (thrown) {
      const error = messageOf(thrown);
      this.#log.warn("tasks that are to make room could not be recorded so", { error });
      return false;
    }
    if (step.gang) claimPlaces(this.#board, step);
    const kind = kindOfRoom(step);
    const before = account.madeRoom.get(kind)?.restMs ?? limits.reclaimMs / 2;
    const restMs = Math.min(2 * before, limits.reclaimRestMsMax);
    account.madeRoom.set(kind, { untilMs: nowMs + restMs, restMs });
    this.#log.info("tasks made room", { for: step.name, tasks: victims.length, lostCpuMs });
    this.#serve();
    step.waitsSinceMs = waitsSinceMs; // the tasks behind this one have waited as long
    return !account.madeRoom.has(kind);
  }

  /** What is kept for a step has been free since the last look, and it was not handed out: it lacks room, and no quota. */
  #review(account: Account, nowMs: number): void {
    for (const [kind, { untilMs, restMs }] of account.madeRoom)
      if (nowMs - untilMs > restMs) account.madeRoom.delete(kind);
    const kept = keptOf(account);
    if (!kept) return;
    const isFree = quotaSlots(kept, true) >= kept.atOnce;
    if (isFree && account.isKeptFree) {
      account.kept = undefined;
      this.#board.onDue(undefined);
    }
    account.isKeptFree = isFree;
  }

  /** What is within its quota and has been passed by for long has what becomes free kept for it. */
  #keep(step: StepState, nowMs: number): void {
    const { account } = step;
    if (account.kept || nowMs - step.waitsSinceMs < limits.passedOverMs) return;
    if (quotaSlots(step, true) >= step.atOnce) return; // it is room that it lacks: see room.ts
    account.isKeptFree = false;
    const isWithin = resources.every((one) => step.class[one] * step.atOnce <= account.quota[one]);
    if (isWithin) account.kept = step;
  }
}

function isWorth({ lostCpuMs }: ReclaimPlan, step: StepState, nowMs: number): boolean {
  const waitedMs = nowMs - step.waitsSinceMs;
  const cpus = Math.max(step.class.milliCpus / 1000, 1) * step.atOnce;
  return waitedMs >= limits.reclaimMs || lostCpuMs <= waitedMs * cpus;
}
