import type { Timer } from "#/base/clock.ts";
import { limits } from "#/base/limits.ts";
import { taskName } from "#/model/task.ts";
import type { Board } from "./board.ts";
import { isOpenOnTrial, isOpenTo } from "./fit.ts";
import { leaveAll, quorumOf } from "./gang.ts";
import { expectGang } from "./gang-outlook.ts";
import {
  choose,
  freePlaces,
  keepPlaces,
  keptFrom,
  gangsToTry,
  placesFor,
  sumOf,
  type Places,
} from "./gang-places.ts";
import { forgetPrepared, handOutGang, type GangPart } from "./hand-out.ts";
import { freeShare } from "./placement.ts";
import { quotaSlots } from "./quota.ts";
import type { MachineState, StepState } from "./state.ts";

/** It rests so many times as long as its last look took. */
const restFactor = 10;

/**
 * Hands out gangs: all of their tasks in one moment, when there is room for all of them on machines that
 * ask for work.
 *
 * A gang waits in line as any step does. One that fits begins, whoever is before it in line and could
 * not use that room. When it has been a gang's turn for `limits.passedOverMs` and it does not fit, places
 * are kept for it where they are expected to become free first, and what begins there in the meantime has
 * to leave them, or to be over by the time that was first promised: that is EASY backfilling (Lifka, JSSPP
 * 1995), but that the promise never moves, so that those who pass a gang by cannot do so for ever. Places
 * are kept for several gangs in the order in which it was their turn, and never the same ones: no two
 * gangs can wait for each other.
 */
export class Gangs {
  #board: Board;
  #wake: () => void;
  #timer: Timer | undefined;
  #timerAtMs = Infinity;
  #lookedMs = -Infinity;
  #tookMs = 0;
  #isLooking = false;

  /** `wake` asks for a turn of the dispatch. */
  constructor(board: Board, wake: () => void) {
    this.#board = board;
    this.#wake = wake;
  }

  stop(): void {
    this.#timer?.cancel();
  }

  /** Before anybody else is served: those for which places are kept, and the one whose turn it is. */
  first(): void {
    this.#isLooking = this.#isDue();
    if (!this.#isLooking) return;
    const startMs = this.#board.clock.monotonicMs();
    for (const step of this.#keptFor())
      if (!this.#begin(step, startMs, true)) this.#keep(step, startMs);
    const isOpen = openness(this.#board, startMs);
    for (let tries = 0; tries < limits.gangsTriedMax; tries++) {
      const step = this.#foremost(startMs, isOpen);
      if (!step?.gang || step.gang.kept || step.leases.size > 0) break;
      if (this.#begin(step, startMs, true)) continue;
      this.#passed(step, startMs);
      break;
    }
    this.#tookMs = this.#board.clock.monotonicMs() - startMs;
  }

  /** After all others were served: who fits into what they left. */
  rest(): void {
    if (!this.#isLooking) return;
    const startMs = this.#board.clock.monotonicMs();
    this.#beginOthers(startMs);
    this.#isLooking = false;
    this.#lookedMs = this.#board.clock.monotonicMs();
    this.#tookMs += this.#lookedMs - startMs;
  }

  #beginOthers(nowMs: number): void {
    let tries = 0;
    for (const step of gangsToTry(this.#board)) {
      if (step.gang!.kept) continue;
      if (++tries > limits.gangsTriedMax) return;
      this.#begin(step, nowMs, false);
    }
  }

  /** A machine asks for work that may have been all that a gang waited for. */
  asked(machine: MachineState): void {
    const nowMs = this.#board.clock.monotonicMs();
    // to begin changes what is kept
    const complete = [...machine.keptForGangs].filter(([, kept]) => kept.completeSinceMs > 0);
    for (const [step] of complete) this.#begin(step, nowMs, true);
  }

  /** Not more often than is worth it: a pool that runs short tasks gives cause all the time. */
  #isDue(): boolean {
    if (this.#board.gangsInLine === 0) return false;
    const restMs = Math.max(limits.gangLookMs, restFactor * this.#tookMs);
    const leftMs = this.#lookedMs + restMs - this.#board.clock.monotonicMs();
    if (leftMs > 0) this.#lookIn(leftMs);
    return leftMs <= 0;
  }

  /** Looks again by then; earlier when it was to do so. */
  #lookIn(delayMs: number): void {
    const atMs = this.#board.clock.monotonicMs() + delayMs;
    if (atMs >= this.#timerAtMs) return;
    const look = () => {
      this.#timerAtMs = Infinity;
      this.#wake();
    };
    this.#timer?.cancel();
    this.#timerAtMs = atMs;
    this.#timer = this.#board.clock.after(delayMs, look, !this.#board.isSimulated);
  }

  /** In the order in which it was their turn. */
  #keptFor(): StepState[] {
    const steps = new Set<StepState>();
    for (const { keptForGangs } of this.#board.machines.values())
      for (const step of keptForGangs.keys()) steps.add(step);
    return [...steps].sort((a, b) => a.gang!.kept!.sinceMs - b.gang!.kept!.sinceMs);
  }

  /** Who is first in line, but for those that no machine could serve whatever else ran, or no quota admits. */
  #foremost(nowMs: number, isOpen: (step: StepState) => boolean): StepState | undefined {
    return this.#board.queue.foremost(
      nowMs,
      (step) => !step.gang?.kept && quotaSlots(step, true) >= step.atOnce && isOpen(step),
    );
  }

  /** Hands it out when all of it fits, on machines that ask. When only their asking is missing and it `mayAwait` that, they are given nothing else until then. */
  #begin(step: StepState, nowMs: number, mayAwait: boolean): boolean {
    const { space } = this.#board;
    const record = space.get("step", step.name);
    const quorum = quorumOf(space, step);
    const slots = quotaSlots(step, true);
    const isShort = slots < quorum;
    if (isShort) step.account.isDenying = true;
    if (record?.status.phase !== "running" || !step.isInLine || step.leases.size > 0) return false;
    if (step.available < quorum) return false;
    const found = placesFor(this.#board, step, nowMs, quorum);
    const free = isShort ? withinQuota(found, slots) : found;
    if (isShort && sumOf(free) < quorum) return false;
    const asking = free.filter(({ machine }) => machine.session!.pullTasks > 0);
    if (sumOf(asking) < quorum) {
      const all = [...asking, ...free.filter((one) => !asking.includes(one))];
      if (mayAwait) this.#await(step, sumOf(free) >= quorum ? choose(all, quorum) : [], nowMs);
      return false;
    }
    const waiting = waitingOf(this.#board, step);
    if (waiting.length < quorum) {
      this.#board.refresh(step);
      return false;
    }
    const chosen = choose(withinQuota(asking, slots), waiting.length);
    let next = 0;
    const parts = chosen.map(({ machine, places }): GangPart => {
      const indexes = waiting.slice(next, (next += places));
      return { machine, indexes };
    });
    leaveBehind(step, waiting.slice(next));
    leaveAll(step);
    step.gang!.passedSinceMs = 0;
    this.#board.queue.serve(step);
    const together = { tasks: next, machines: parts.length };
    handOutGang(this.#board, step, record, parts, (machine) => ({
      placement: "asked",
      place: 1,
      of: 1,
      freeShare: freeShare(machine),
      together,
    }));
    return true;
  }

  /** It waits only for these to ask for work; for none of them when it lacks more than that. Who does not ask for long is waited for no longer. */
  #await(step: StepState, places: readonly Places[], nowMs: number): void {
    const gang = step.gang!;
    const since = gang.kept?.completeSinceMs ?? 0;
    if (gang.kept) gang.kept.completeSinceMs = 0;
    if (places.length === 0) return;
    if (since > 0 && nowMs - since >= limits.passedOverMs) {
      for (const { machine } of places)
        if (machine.session!.pullTasks === 0) machine.isSilent = true;
      return;
    }
    gang.kept ??= keptFrom(nowMs, nowMs);
    gang.kept.completeSinceMs = since || nowMs;
    keepPlaces(step, places);
    this.#lookIn(gang.kept.completeSinceMs + limits.passedOverMs - nowMs);
  }

  /** It is its turn, and it does not fit. */
  #passed(step: StepState, nowMs: number): void {
    const gang = step.gang!;
    if (gang.passedSinceMs === 0) gang.passedSinceMs = nowMs;
    const leftMs = gang.passedSinceMs + limits.passedOverMs - nowMs;
    if (leftMs > 0) this.#lookIn(leftMs);
    else if (this.#keptFor().length < limits.gangsKeptForMax) this.#keep(step, nowMs);
  }

  /** Keeps places where they become free first, or says that there are none to come. */
  #keep(step: StepState, nowMs: number): void {
    const gang = step.gang!;
    if (gang.kept && gang.kept.completeSinceMs > 0) return;
    const before = gang.kept;
    const sinceMs = before?.sinceMs ?? nowMs;
    leaveAll(step);
    const outlook = expectGang(this.#board, step, nowMs, (machine) =>
      freePlaces(machine, step, nowMs, sinceMs),
    );
    if (!outlook) return;
    const { expectedMs, places } = outlook;
    gang.kept = { ...keptFrom(sinceMs, before?.promisedMs ?? expectedMs), expectedMs };
    keepPlaces(step, places);
  }
}

/** Tells whether any machine takes tasks of a step, on trial or not; asks once for all steps that are alike. */
function openness(board: Board, nowMs: number): (step: StepState) => boolean {
  const machines = [...board.machines.values()];
  const reserved = new Set(machines.map(({ record }) => record.spec.reservedFor));
  const known = new Map<string, boolean>();
  return (step) => {
    const own = reserved.has(step.job) ? step.job : "";
    const key = `${step.share.project} ${own} ${step.class.key}`;
    const isOpen = step.gang ? isOpenOnTrial : isOpenTo;
    let found = known.get(key);
    if (found === undefined)
      known.set(key, (found = machines.some((machine) => isOpen(machine, step, nowMs))));
    return found;
  };
}

/** Takes out the tasks of a gang that wait, each once, without those that ended meanwhile; by index. */
function waitingOf({ space }: Board, step: StepState): number[] {
  const found = new Set<number>();
  const next = () => (step.prepared ? step.prepared.ready.shift() : step.shift());
  for (let index = next(); index !== undefined; index = next()) {
    if (step.leases.has(index) || !space.get("task", taskName(step.name, index)))
      forgetPrepared(step, index);
    else found.add(index);
  }
  const waiting = [...found].sort((a, b) => a - b);
  if (waiting.length < quorumOf(space, step)) leaveBehind(step, waiting);
  return waiting;
}

function leaveBehind(step: StepState, indexes: readonly number[]): void {
  const ring = step.prepared ? step.prepared.ready : step.again;
  for (const index of indexes) ring.push(index);
}

/** Of these places those that a quota leaves, on machines that are paid for first: they count in none. */
function withinQuota(places: readonly Places[], slots: number): Places[] {
  if (slots === Infinity) return [...places];
  const [paid, shared] = [true, false].map((isPaid) =>
    places.filter(({ machine }) => machine.isPaidFor === isPaid),
  ) as [Places[], Places[]];
  return [...paid, ...choose(shared, slots)];
}
