import { limits } from "#/base/limits.ts";
import { chanceOfAtLeast } from "./tails.ts";

/** What is held against a machine. */
export interface Charge {
  readonly kind: "fails" | "loses" | "slow";
  /** For people, about the machine: "of its 4 tasks …". */
  readonly reason: string;
}

/** How tasks of one kind fared on one machine. */
interface Fared {
  succeeded: number;
  /** Of their run times, as natural logarithms. */
  logSum: number;
  logSquares: number;
  /** Each counts once, however often it was tried here. */
  readonly failed: Set<string>;
}

type Kinds = Map<string, Map<string, Fared>>;

/** Before anything is known a task fails as likely as not, and that counts as two tasks: Laplace's rule of succession. */
const priorTasks = 2;
/** Of logarithms of run times, and the tasks it counts as. */
const priorVariance = 0.25;
const priorVarianceTasks = 2;
const deviationsMin = 4;

/**
 * How machines fare against each other, by what ended on them in the last quarter of an hour or so. A task
 * that fails says nothing of its machine: its job may be at fault. That tasks of the same kinds end well
 * on others does. So the failures on a machine are held against how many there would be if its tasks failed
 * as often as they do elsewhere, and its run times against those of the same kinds on machines of its type.
 */
export class MachineHealth {
  #now: Kinds = new Map();
  #before: Kinds = new Map();
  #turnedMs = 0;
  /** The same, and when `#before` began, by the wall clock. */
  #turnedAt = 0;
  #fromAt = 0;
  #losses = new Map<string, number[]>();
  /** What was before counts no more, by the wall clock. */
  #since = new Map<string, number>();

  succeeded(kind: string, machine: string, wallMs: number): void {
    const fared = this.#of(kind, machine);
    const log = Math.log(Math.max(wallMs, 1));
    fared.succeeded++;
    fared.logSum += log;
    fared.logSquares += log * log;
  }

  /** `at` by the wall clock: a task says again and again what failed before, and each counts once, where it was last. */
  failed(kind: string, machine: string, task: string, at: number): void {
    if (at < Math.max(this.#since.get(machine) ?? 0, this.#fromAt)) return;
    const before = this.#before.get(kind)?.get(machine);
    if (before?.failed.has(task)) {
      if (at < this.#turnedAt) return;
      before.failed.delete(task);
    }
    const { failed } = this.#of(kind, machine);
    if (failed.size < limits.healthFailuresMax) failed.add(task);
  }

  /** It has lost what it ran, so many times since it was last said. */
  lost(machine: string, times: number, nowMs: number): void {
    const at = this.#losses.get(machine) ?? [];
    for (let time = 0; time < Math.min(times, limits.misbehaviourMin); time++) at.push(nowMs);
    this.#losses.set(machine, at.slice(-limits.healthFailuresMax));
  }

  /** What was long ago counts no more; `at` by the wall clock. */
  pass(nowMs: number, at: number): void {
    if (nowMs - this.#turnedMs >= limits.misbehaviourMs / 2) {
      this.#before = this.#now;
      this.#now = new Map();
      this.#turnedMs = nowMs;
      this.#fromAt = Math.max(this.#turnedAt, at - limits.misbehaviourMs);
      this.#turnedAt = at;
    }
    for (const [machine, times] of this.#losses) {
      const left = times.filter((ms) => nowMs - ms < limits.misbehaviourMs);
      if (left.length === 0) this.#losses.delete(machine);
      else this.#losses.set(machine, left);
    }
  }

  /** Forgets all but these. */
  keep(machines: ReadonlySet<string>): void {
    for (const known of [this.#since, this.#losses])
      for (const machine of known.keys()) if (!machines.has(machine)) known.delete(machine);
  }

  /** From now on it is judged anew. */
  forget(machine: string, at: number): void {
    this.#since.set(machine, at);
    for (const kinds of [this.#now, this.#before])
      for (const fared of kinds.values()) fared.delete(machine);
    this.#losses.delete(machine);
  }

  /** Tasks that ended well there. */
  good(machine: string): number {
    let sum = 0;
    for (const kinds of [this.#now, this.#before])
      for (const fared of kinds.values()) sum += fared.get(machine)?.succeeded ?? 0;
    return sum;
  }

  /** On how many machines tasks of a kind mostly fail, and on how many they mostly do not. */
  spread(kind: string): { failing: number; good: number } {
    const machines = new Set([
      ...(this.#now.get(kind)?.keys() ?? []),
      ...(this.#before.get(kind)?.keys() ?? []),
    ]);
    let failing = 0;
    for (const machine of machines) {
      const { failed, succeeded } = this.#fared(kind, (name) => name === machine);
      if (failed > succeeded) failing++;
    }
    return { failing, good: machines.size - failing };
  }

  /**
   * What is to be held against each of these machines, by its name; `types` has their types, among which tasks take
   * about as long. Reads all that is known once, however many are asked about.
   */
  judge(types: ReadonlyMap<string, string>): Judgement {
    const kindsOf = new Map<string, Map<string, Sum>>();
    const all = new Map<string, Sum>();
    const alike = new Map<string, Sum>();
    for (const kinds of [this.#now, this.#before])
      for (const [kind, machines] of kinds)
        for (const [machine, fared] of machines) {
          let own = kindsOf.get(machine);
          if (!own) kindsOf.set(machine, (own = new Map()));
          add(own, kind, fared);
          add(all, kind, fared);
          const type = types.get(machine);
          if (type !== undefined) add(alike, `${type} ${kind}`, fared);
        }
    let losses = 0;
    for (const machine of types.keys()) losses += this.#losses.get(machine)?.length ?? 0;
    return (machine, tasksMin = limits.slowMachineTasksMin) => {
      const own = kindsOf.get(machine) ?? new Map<string, Sum>();
      const type = types.get(machine);
      return (
        failing(own, all, types.size) ??
        this.#losing(machine, types.size, losses) ??
        slow(own, (kind) => alike.get(`${type} ${kind}`), tasksMin)
      );
    };
  }

  #losing(machine: string, machines: number, losses: number): Charge | undefined {
    const times = this.#losses.get(machine)?.length ?? 0;
    if (times < limits.misbehaviourMin) return undefined;
    const others = machines - 1;
    const sum = losses - times;
    if (others === 0 || times < limits.misbehaviourMin * (1 + sum / others)) return undefined;
    const minutes = limits.misbehaviourMs / 60_000;
    return {
      kind: "loses",
      reason: `it was lost with what it ran ${times} times in ${minutes} min, and others ${(sum / others).toFixed(1)} times`,
    };
  }

  /** How a kind fared on some machines together. */
  #fared(kind: string, isOne: (machine: string) => boolean) {
    const sum = { succeeded: 0, failed: 0, logSum: 0, logSquares: 0 };
    for (const kinds of [this.#now, this.#before])
      for (const [machine, fared] of kinds.get(kind) ?? []) {
        if (!isOne(machine)) continue;
        sum.succeeded += fared.succeeded;
        sum.failed += fared.failed.size;
        sum.logSum += fared.logSum;
        sum.logSquares += fared.logSquares;
      }
    return sum;
  }

  #of(kind: string, machine: string): Fared {
    let machines = this.#now.get(kind);
    if (!machines) {
      this.#now.set(kind, (machines = new Map()));
      if (this.#now.size > limits.healthStepsMax) this.#now.delete(this.#now.keys().next().value!);
    }
    let fared = machines.get(machine);
    if (!fared)
      machines.set(
        machine,
        (fared = { succeeded: 0, logSum: 0, logSquares: 0, failed: new Set() }),
      );
    return fared;
  }
}

/** What is held against a machine; `tasksMin` as many must have ended there to call it slow. */
export type Judgement = (machine: string, tasksMin?: number) => Charge | undefined;

/** How tasks of a kind fared on some machines together. */
interface Sum {
  succeeded: number;
  failed: number;
  logSum: number;
  logSquares: number;
}

function add(sums: Map<string, Sum>, key: string, { failed, ...fared }: Fared): void {
  const sum = sums.get(key) ?? { succeeded: 0, failed: 0, logSum: 0, logSquares: 0 };
  sums.set(key, {
    succeeded: sum.succeeded + fared.succeeded,
    failed: sum.failed + failed.size,
    logSum: sum.logSum + fared.logSum,
    logSquares: sum.logSquares + fared.logSquares,
  });
}

function without(all: Sum, own: Sum): Sum {
  return {
    succeeded: all.succeeded - own.succeeded,
    failed: all.failed - own.failed,
    logSum: all.logSum - own.logSum,
    logSquares: all.logSquares - own.logSquares,
  };
}

function failing(
  kinds: ReadonlyMap<string, Sum>,
  all: ReadonlyMap<string, Sum>,
  machines: number,
): Charge | undefined {
  let tasks = 0;
  let failed = 0;
  let expected = 0;
  let seen = 0;
  for (const [kind, own] of kinds) {
    const ended = own.succeeded + own.failed;
    if (ended === 0) continue;
    const others = without(all.get(kind)!, own);
    if (others.succeeded + others.failed === 0) continue;
    const elsewhere = others.succeeded + others.failed + priorTasks;
    tasks += ended;
    failed += own.failed;
    expected += (ended * (others.failed + priorTasks / 2)) / elsewhere;
    seen += ended * elsewhere;
  }
  if (failed < limits.misbehaviourMin) return undefined;
  // of several kinds, as if all were one that failed elsewhere as often, among so many
  const hits = (expected / tasks) * (seen / tasks);
  const chance = chanceOfAtLeast(failed, tasks, { hits, misses: seen / tasks - hits });
  if (chance > limits.misbehaviourChanceMax / machines) return undefined;
  const usual = expected < 0.1 ? "none of them" : `${expected.toFixed(1)} of them`;
  return {
    kind: "fails",
    reason: `${failed} of the last ${tasks} tasks failed there; if it were as others, ${usual} would have`,
  };
}

function slow(
  kinds: ReadonlyMap<string, Sum>,
  alike: (kind: string) => Sum | undefined,
  tasksMin: number,
): Charge | undefined {
  let tasks = 0;
  let difference = 0;
  let weights = 0;
  let squares = priorVariance * priorVarianceTasks;
  let freedom = priorVarianceTasks;
  for (const [kind, own] of kinds) {
    const same = alike(kind);
    if (!same) continue;
    const others = without(same, own);
    if (own.succeeded === 0 || others.succeeded === 0) continue;
    tasks += own.succeeded;
    const weight = (own.succeeded * others.succeeded) / (own.succeeded + others.succeeded);
    difference += weight * (own.logSum / own.succeeded - others.logSum / others.succeeded);
    weights += weight;
    for (const { logSquares, logSum, succeeded } of [own, others]) {
      squares += Math.max(0, logSquares - logSum ** 2 / succeeded);
      freedom += succeeded - 1;
    }
  }
  if (tasks < tasksMin || weights === 0) return undefined;
  const factor = Math.exp(difference / weights);
  const deviations = (difference / weights) * Math.sqrt(weights / (squares / freedom));
  if (factor < limits.slowMachineFactor || deviations < deviationsMin) return undefined;
  return {
    kind: "slow",
    reason: `its last ${tasks} tasks took ${factor.toFixed(1)} times as long as the same ones on machines of its type`,
  };
}
