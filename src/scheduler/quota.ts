import type { Capacity } from "#/model/needs.ts";
import type { Amounts, QuotaSpec } from "#/model/quota.ts";
import { leasesOfStep, type Lease, type StepState } from "./state.ts";

/**
 * What projects are entitled to, and what they lend each other.
 *
 * A project with a quota has at most so much under way, counted by what its tasks ask for. Projects of
 * one cohort lend each other what they do not use: each may go up to its quota and what it borrows, and
 * all of them together never above the sum of their quotas. A resource for which a project has no quota
 * is not limited, and not lent. What was lent is taken back by reclaim.ts.
 *
 * Tasks of such a project hold what they ask for from the moment on which they are handed out, however
 * short they are: none is handed out ahead of a free CPU.
 */
export class Quotas {
  #accounts = new Map<string, Account>();
  #cohorts = new Map<string, Cohort>();
  /** Projects with a quota. */
  limited = 0;
  /** Called when a project has got a quota. */
  onLimited: () => void = () => {};

  /** The account of a project, the same one for as long as the process lives. */
  account(project: string): Account {
    let account = this.#accounts.get(project);
    if (!account) this.#accounts.set(project, (account = new Account(project)));
    return account;
  }

  all(): Iterable<Account> {
    return this.#accounts.values();
  }

  /** What a project's record says. Tasks under way stay, also above a quota that was made smaller. */
  limit(project: string, { quota, cohort: name, borrow }: QuotaSpec): void {
    const account = this.account(project);
    if (account.isLimited) this.limited--;
    account.cohort?.members.delete(account);
    if (account.cohort?.members.size === 0) this.#cohorts.delete(account.cohort.name);
    account.isLimited = quota !== undefined;
    account.quota = amountsOf(quota);
    account.ceiling = account.quota;
    account.cohort = undefined;
    if (!account.isLimited) return;
    this.limited++;
    this.onLimited();
    if (name === undefined) return;
    let cohort = this.#cohorts.get(name);
    if (!cohort) this.#cohorts.set(name, (cohort = { name, members: new Set() }));
    cohort.members.add(account);
    account.cohort = cohort;
    const more = amountsOf(borrow);
    account.ceiling = {
      milliCpus: account.quota.milliCpus + more.milliCpus,
      memoryBytes: account.quota.memoryBytes + more.memoryBytes,
    };
  }
}

/** Projects that lend each other what is idle of their quotas. */
export interface Cohort {
  readonly name: string;
  readonly members: Set<Account>;
}

export type Resource = keyof Capacity;
export const resources: readonly Resource[] = ["milliCpus", "memoryBytes"];

/** What one project may have under way, and has. A resource without a limit is Infinity. */
export class Account {
  readonly project: string;
  isLimited = false;
  quota: Capacity = amountsOf(undefined);
  /** Its quota and what it may borrow. */
  ceiling: Capacity = this.quota;
  cohort: Cohort | undefined;
  /** What its tasks under way ask for. */
  readonly used: Capacity = { milliCpus: 0, memoryBytes: 0 };
  /** Steps with tasks under way. */
  readonly busy = new Set<StepState>();
  /** A step for which, and for others like it, smaller ones leave room; see reclaim.ts. */
  kept: StepState | undefined;
  /** Others were stopped for such steps, which have not begun in their place yet; by class and priority. */
  readonly madeRoom = new Map<string, MadeRoom>();
  /** All that is kept for it was free when it was looked at last: it is not quota that it lacks. */
  isKeptFree = false;
  /** Some task was denied room since anything of it, or of its cohort, ended. */
  isDenying = false;

  constructor(project: string) {
    this.project = project;
  }

  /** A task of a step of this project is under way from now on. */
  enter({ class: needs }: StepState): void {
    this.used.milliCpus += needs.milliCpus;
    this.used.memoryBytes += needs.memoryBytes;
  }

  leave({ class: needs }: StepState): void {
    this.used.milliCpus -= needs.milliCpus;
    this.used.memoryBytes -= needs.memoryBytes;
  }

  /** Those that feel it when something of this project ends. */
  get circle(): Iterable<Account> {
    return this.cohort?.members ?? [this];
  }

  /** Something of it has ended. True when that gives room, on any machine, to who was denied it for want of quota. */
  freed(): boolean {
    let isRoom = false;
    for (const account of this.circle) {
      isRoom ||= account.isDenying;
      account.isDenying = false;
    }
    return isRoom;
  }

  /** How much of a resource it uses beyond its quota. */
  borrowed(resource: Resource): number {
    return Math.max(0, this.used[resource] - this.quota[resource]);
  }
}

function amountsOf({ milliCpus = Infinity, memoryBytes = Infinity }: Amounts = {}): Capacity {
  return { milliCpus, memoryBytes };
}

/** What a cohort has of a resource, and what its projects use of it; those without a quota of it have no part in that. */
export function poolOf({ members }: Cohort, resource: Resource): { quota: number; used: number } {
  let quota = 0;
  let used = 0;
  for (const member of members) {
    if (member.quota[resource] === Infinity) continue;
    quota += member.quota[resource];
    used += member.used[resource];
  }
  return { quota, used };
}

/**
 * How many more tasks of a step its project may have under way, whatever the machines: of its own
 * quota, or also of what others lend. What is kept for another step is left to that one.
 */
export function quotaSlots(step: StepState, mayBorrow: boolean): number {
  const { account, class: needs } = step;
  if (!account.isLimited) return Infinity;
  let slots = Infinity;
  for (const resource of resources) {
    if (needs[resource] === 0 || account.quota[resource] === Infinity) continue;
    const free = freeOf(account, resource, mayBorrow) - keptBeside(step, resource, mayBorrow);
    slots = Math.min(slots, Math.floor(free / needs[resource]));
  }
  return Math.max(0, slots);
}

function freeOf(account: Account, resource: Resource, mayBorrow: boolean): number {
  const limit = mayBorrow ? account.ceiling : account.quota;
  const own = limit[resource] - account.used[resource];
  if (!account.cohort) return own;
  const pool = poolOf(account.cohort, resource);
  return Math.min(own, pool.quota - pool.used);
}

/** What is left to steps that wait for long: within a project by those of no higher priority, in a cohort by those that borrow. */
function keptBeside(step: StepState, resource: Resource, mayBorrow: boolean): number {
  const { account } = step;
  let sum = 0;
  for (const member of mayBorrow ? account.circle : [account]) {
    const kept = keptOf(member);
    if (!kept || isAlike(kept, step)) continue;
    if (member === account ? step.priority > kept.priority : !isEntitled(kept)) continue;
    sum += kept.class[resource] * kept.atOnce;
  }
  return sum;
}

/** Whether what is kept for one is for the other as well: jobs take turns, and the one that came first need not be next. */
export function isAlike(kept: StepState, step: StepState): boolean {
  return (
    kept.account === step.account && kept.class === step.class && kept.priority === step.priority
  );
}

/** Until then nobody else is stopped for it; monotonic. */
interface MadeRoom {
  readonly untilMs: number;
  readonly restMs: number;
}

/** Under which `madeRoom` knows a step, and all that are alike. */
export function kindOfRoom({ class: { key }, priority }: StepState): string {
  return `${priority} ${key}`;
}

/** The step for which a project's smaller ones leave room. */
export function keptOf(account: Account): StepState | undefined {
  if (account.kept && !account.kept.isInLine) account.kept = undefined;
  return account.kept;
}

/** Whether the next task of a step, or all that begin with it, are within the quota of its project, counted without what has a lower priority. */
export function isEntitled({ account, priority, class: needs, atOnce }: StepState): boolean {
  const used = { milliCpus: 0, memoryBytes: 0 };
  for (const other of account.busy) {
    if (other.priority < priority) continue;
    const attempts = other.attempts - other.paidFor;
    used.milliCpus += attempts * other.class.milliCpus;
    used.memoryBytes += attempts * other.class.memoryBytes;
  }
  return resources.every(
    (resource) => used[resource] + needs[resource] * atOnce <= account.quota[resource],
  );
}

/** Leases of a project. */
export function* leasesOf({ busy }: Account): Generator<Lease> {
  for (const step of busy) yield* leasesOfStep(step);
}
