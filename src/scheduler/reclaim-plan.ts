import { limits } from "#/base/limits.ts";
import { placesIn } from "#/model/needs.ts";
import { isOpenOnTrial, isOpenTo } from "./fit.ts";
import { wholeOf } from "./gang.ts";
import { freeBesideKept, freePlaces, isOnTrial } from "./gang-places.ts";
import type { Board } from "./board.ts";
import {
  isEntitled,
  leasesOf,
  poolOf,
  resources,
  type Account,
  type Cohort,
  type Resource,
} from "./quota.ts";
import { freeBesideOthers, roomFor } from "./room.ts";
import { leasesOfStep, type Lease, type MachineState, type StepState } from "./state.ts";

/** Tasks that are to make room for one of another step. */
export interface ReclaimPlan {
  readonly victims: readonly Lease[];
  /** The work that they lose, in CPU-milliseconds. */
  readonly lostCpuMs: number;
}

/**
 * Which tasks have to end so that one more of `step` can be handed out; undefined when no choice of
 * them is enough, and no victims when nothing stands in its way.
 *
 * A task may take the place of those of its own project with a lower priority. One that is within its
 * project's quota may also take back what was lent: tasks of the cohort's other projects, as long as
 * those use more than their quota, whatever the priority. Of those that may have to go, the ones that
 * lose the least work for what they free do, which are those that began last; none that is not needed.
 */
export function planReclaim(board: Board, step: StepState, nowMs: number): ReclaimPlan | undefined {
  const candidates = candidatesFor(step).sort((a, b) => b.sinceMs - a.sinceMs);
  const inTheWay =
    step.atOnce > 1
      ? cheapestPlaces(board, step, candidates, nowMs)
      : hasRoom(board, step, nowMs)
        ? []
        : cheapestMachine(board, step, candidates, nowMs);
  if (!inTheWay) return undefined;
  // where it had to borrow, those of its project that need not would get the place before it
  const state = new Freed(step, inTheWay.length > 0 && isEntitled(step) ? "quota" : "ceiling");
  for (const lease of inTheWay) state.free(lease);
  for (const lease of candidates) {
    if (state.isEnough) break;
    if (!state.victims.has(lease) && state.helps(lease)) state.free(lease);
  }
  if (!state.isEnough) return undefined;
  const mustGo = new Set(inTheWay.flatMap(wholeOf));
  for (const lease of [...state.victims].toSorted((a, b) => a.sinceMs - b.sinceMs)) {
    if (mustGo.has(lease)) continue;
    if (!state.victims.has(lease)) continue;
    state.restore(lease);
    if (!state.isEnough) state.free(lease);
  }
  const victims = [...state.victims];
  return { victims, lostCpuMs: lostCpuMs(victims, nowMs) };
}

/** What of a task's work is lost when it ends now, in CPU-milliseconds. */
function lostCpuMs(victims: readonly Lease[], nowMs: number): number {
  return victims.reduce((sum, { cpus, sinceMs }) => sum + cpus * (nowMs - sinceMs), 0);
}

function candidatesFor(step: StepState): Lease[] {
  const { account } = step;
  const found: Lease[] = [];
  for (const other of account.busy) {
    if (other.priority >= step.priority) continue;
    for (const lease of leasesOfStep(other)) if (mayMakeRoom(lease)) found.push(lease);
  }
  if (!isEntitled(step)) return found;
  for (const other of account.cohort?.members ?? []) {
    if (other === account || resources.every((resource) => other.borrowed(resource) === 0))
      continue;
    for (const lease of leasesOf(other)) if (mayMakeRoom(lease)) found.push(lease);
  }
  return found;
}

function mayMakeRoom({ isEnding, isPaidFor }: Lease): boolean {
  return !isEnding && !isPaidFor;
}

/** Whether some machine would take the task, but for the quota. One that asks for no work may do so in a moment, and is not waited for longer than that. */
function hasRoom(board: Board, step: StepState, nowMs: number): boolean {
  const mayAskYet = nowMs - step.waitsSinceMs < limits.passedOverMs;
  for (const machine of board.machines.values()) {
    if (!isOpenTo(machine, step, nowMs)) continue;
    const asks = mayAskYet || machine.session!.pullTasks > 0;
    if (asks && roomFor(machine, step, nowMs) > 0) return true;
  }
  return false;
}

/**
 * Whom a gang has to take the place of, where that loses the least work for each place that it gains, until
 * there is room for all of it; undefined when there is not with all of them gone.
 */
function cheapestPlaces(
  board: Board,
  step: StepState,
  candidates: readonly Lease[],
  nowMs: number,
): Lease[] | undefined {
  const open = [...board.machines.values()].filter(
    (machine) => !machine.isSilent && isOpenOnTrial(machine, step, nowMs),
  );
  let found = 0;
  for (const machine of open) found += freePlaces(machine, step, nowMs);
  const byMachine = Map.groupBy(candidates, ({ machine }) => machine);
  const gains = open.map((machine) => gainsOn(machine, step, byMachine.get(machine) ?? [], nowMs));
  const allowance = new Freed(step);
  const victims: Lease[] = [];
  while (found < step.atOnce) {
    let best: Gain[] | undefined;
    for (const next of gains)
      if (next.length > 0 && (!best || next[0]!.cost < best[0]!.cost)) best = next;
    if (!best) return undefined;
    const { leases, places } = best.shift()!;
    if (!leases.every((lease) => allowance.victims.has(lease) || allowance.mayFree(lease))) {
      best.length = 0; // what stands behind it on that machine has no room without it
      continue;
    }
    for (const lease of leases) allowance.free(lease);
    victims.push(...leases);
    found += places;
  }
  return victims;
}

/** Tasks of one machine that free places together, and the work that is lost for each place. */
interface Gain {
  readonly leases: readonly Lease[];
  readonly places: number;
  readonly cost: number;
}

function gainsOn(
  machine: MachineState,
  step: StepState,
  candidates: readonly Lease[],
  nowMs: number,
): Gain[] {
  const gains: Gain[] = [];
  if (isOnTrial(machine)) return gains;
  const free = freeBesideKept(machine, step, nowMs);
  let before = placesIn(free, step.class);
  let leases: Lease[] = [];
  for (const lease of candidates) {
    if (lease.isShort) continue;
    leases.push(lease);
    for (const one of resources) free[one] += lease.step.class[one];
    const places = placesIn(free, step.class) - before;
    if (places === 0) continue;
    before += places;
    gains.push({ leases, places, cost: lostCpuMs(leases.flatMap(wholeOf), nowMs) / places });
    leases = [];
  }
  return gains;
}

/** The machine on which the least work is lost until the task has room there; undefined when there is none. */
function cheapestMachine(
  board: Board,
  step: StepState,
  candidates: readonly Lease[],
  nowMs: number,
): Lease[] | undefined {
  let best: { victims: Lease[]; cost: number } | undefined;
  for (const [machine, leases] of Map.groupBy(candidates, (lease) => lease.machine)) {
    if (machine.isSilent || !isOpenTo(machine, step, nowMs)) continue;
    const free = freeBesideOthers(machine, step, nowMs);
    const lacks = (resource: Resource) => free[resource] < step.class[resource];
    const allowance = new Freed(step);
    const victims: Lease[] = [];
    for (const lease of leases) {
      if (!resources.some(lacks)) break;
      if (lease.isShort || !resources.some((one) => lacks(one) && lease.step.class[one] > 0))
        continue;
      if (!allowance.mayFree(lease)) continue;
      allowance.free(lease);
      victims.push(lease);
      for (const one of resources) free[one] += lease.step.class[one];
    }
    if (resources.some(lacks) || victims.length === 0) continue; // room that it has already is not given out
    const cost = lostCpuMs(victims.flatMap(wholeOf), nowMs);
    if (!best || cost < best.cost) best = { victims, cost };
  }
  return best?.victims;
}

/** What would be used if some tasks ended, by project. */
class Freed {
  readonly victims = new Set<Lease>();
  #step: StepState;
  #limit: "quota" | "ceiling";
  #freed = new Map<Account, Record<Resource, number>>();

  constructor(step: StepState, limit: "quota" | "ceiling" = "ceiling") {
    this.#step = step;
    this.#limit = limit;
  }

  /** It goes, and all others of its gang. */
  free(lease: Lease): void {
    for (const one of wholeOf(lease)) {
      if (this.victims.has(one)) continue;
      this.victims.add(one);
      this.#count(one, 1);
    }
  }

  restore(lease: Lease): void {
    for (const one of wholeOf(lease)) if (this.victims.delete(one)) this.#count(one, -1);
  }

  get isEnough(): boolean {
    return resources.every((resource) => this.#lackOf(resource) === 0);
  }

  /** Whether something is lacking that this task holds, and may be asked to give. */
  helps(lease: Lease): boolean {
    const { account } = this.#step;
    const isOwn = lease.step.account === account;
    return resources.some((resource) => {
      const lack = isOwn ? this.#lackOf(resource) : this.#poolLackOf(resource);
      return lack > 0 && lease.step.class[resource] > 0 && this.mayFree(lease, resource);
    });
  }

  /** A project's own tasks, and another's while it uses more than its quota. */
  mayFree({ step: { account } }: Lease, only?: Resource): boolean {
    if (account === this.#step.account) return true;
    const freed = this.#freed.get(account);
    return resources.some(
      (resource) =>
        (only === undefined || only === resource) &&
        account.used[resource] - (freed?.[resource] ?? 0) > account.quota[resource],
    );
  }

  /** What is paid for is in no quota, and frees nothing of one. */
  #count({ isPaidFor, step: { account, class: needs } }: Lease, sign: number): void {
    if (isPaidFor) return;
    let freed = this.#freed.get(account);
    if (!freed) this.#freed.set(account, (freed = { milliCpus: 0, memoryBytes: 0 }));
    for (const resource of resources) freed[resource] += sign * needs[resource];
  }

  #lackOf(resource: Resource): number {
    const { account, class: needs, atOnce } = this.#step;
    const used = account.used[resource] - (this.#freed.get(account)?.[resource] ?? 0);
    const own = used + needs[resource] * atOnce - account[this.#limit][resource];
    return Math.max(0, own, this.#poolLackOf(resource));
  }

  #poolLackOf(resource: Resource): number {
    const { account, class: needs, atOnce } = this.#step;
    if (!account.cohort || account.quota[resource] === Infinity) return 0;
    const pool = poolOf(account.cohort, resource);
    return Math.max(
      0,
      pool.used - this.#freedOf(account.cohort, resource) + needs[resource] * atOnce - pool.quota,
    );
  }

  #freedOf({ members }: Cohort, resource: Resource): number {
    let sum = 0;
    for (const [account, freed] of this.#freed) {
      if (members.has(account) && account.quota[resource] !== Infinity) sum += freed[resource];
    }
    return sum;
  }
}
