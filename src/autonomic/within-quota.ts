import type { Capacity, Needs } from "#/model/needs.ts";
import type { Amounts, QuotaSpec } from "#/model/quota.ts";
import { slotsOf, type Place } from "./slots.ts";

/** Tasks of one kind, and how long one of them takes. */
export interface CountedWork {
  readonly needs: Needs;
  readonly driver: string;
  readonly tasks: number;
  readonly runMs: number;
  /** So many begin together, or none does. */
  readonly atOnce: number;
}

interface Shared extends Place {
  /** Of the project that asks, where the machine counts in it: the same for all that do. */
  readonly quota?: Amounts;
  /** How much longer tasks take there than on a usual machine. */
  readonly slowness: number;
  readonly rates?: { readonly microsPerHour?: number | undefined };
}

export type Covered<Machine> = Machine & {
  /** What of it the quota covers, where that is not all of it. */
  readonly covered?: Capacity;
};

type Resource = keyof Capacity;

/**
 * What a project's quota leaves it, for such work, of machines that are shared. A quota says how much, not where: it
 * goes to machines on which the work can run, as whole tasks; to each kind by its part of the work, and first to the
 * kind that the fewest machines can run. What many kinds can run on comes first, then what is cheap for its pace. What the
 * project may borrow beyond it is taken back when others need it, and nothing is promised of it. Machines that a job or a
 * project pays for are in no quota. A pure function.
 */
export function withinQuota<Machine extends Shared>(
  work: readonly CountedWork[],
  machines: readonly Machine[],
): Covered<Machine>[] {
  const quota = machines.find((machine) => machine.quota)?.quota;
  if (!quota) return [...machines];
  const shares = new Shares(work, machines, quota);
  return machines.map((machine) => {
    const covered = machine.quota && shares.of(machine);
    return covered ? { ...machine, covered } : machine;
  });
}

/** The part of a machine that is covered, from 0 to 1. */
export function coveredShare({
  capacity,
  covered = capacity,
  quota = {},
}: Covered<Shared>): number {
  const limited = resourcesOf(quota);
  if (limited.length === 0) return 1;
  return Math.max(
    ...limited.map((resource) => covered[resource] / Math.max(1, capacity[resource])),
  );
}

interface Line {
  readonly machine: Shared;
  /** Tasks of each kind that it could run at once. */
  readonly slots: readonly number[];
  /** Of what the quota limits. */
  readonly taken: Record<Resource, number>;
}

class Shares {
  #work: readonly CountedWork[];
  #limited: readonly Resource[];
  #quota: Amounts;
  #left: Record<Resource, number>;
  /** Those that can run some of the work, the best first. */
  #lines: readonly Line[];
  #byMachine: ReadonlyMap<Shared, Line>;

  constructor(work: readonly CountedWork[], machines: readonly Shared[], quota: Amounts) {
    this.#work = work;
    this.#quota = quota;
    this.#limited = resourcesOf(quota);
    this.#left = { milliCpus: 0, memoryBytes: 0, ...quota };
    this.#lines = machines
      .filter((machine) => machine.quota)
      .map((machine) => ({
        machine,
        slots: work.map((kind) => slotsOf(kind, machine)),
        taken: { milliCpus: 0, memoryBytes: 0 },
      }))
      .filter(({ slots }) => slots.some((count) => count > 0))
      .toSorted((a, b) => kindsOf(b) - kindsOf(a) || dearness(a.machine) - dearness(b.machine));
    this.#byMachine = new Map(this.#lines.map((line) => [line.machine, line]));
    this.#share();
  }

  /** What of a machine is covered; undefined where that is all of it, or all that it is good for. */
  of(machine: Shared): Capacity | undefined {
    const line = this.#byMachine.get(machine);
    const { capacity } = machine;
    if (!line || this.#limited.every((resource) => line.taken[resource] >= capacity[resource]))
      return undefined;
    const of = (resource: Resource) =>
      this.#limited.includes(resource) ? line.taken[resource] : capacity[resource];
    return { milliCpus: of("milliCpus"), memoryBytes: of("memoryBytes") };
  }

  #share(): void {
    const sizes = this.#work.map(({ needs, tasks, runMs }) => {
      const parts = this.#limited.map((of) => needs[of] / Math.max(1, this.#quota[of]!));
      return tasks * runMs * Math.max(0, ...parts);
    });
    const all = sizes.reduce((sum, size) => sum + size, 0);
    const machinesOf = (kind: number) =>
      this.#lines.reduce((sum, { slots }) => sum + (slots[kind]! > 0 ? 1 : 0), 0);
    const rarest = [...this.#work.keys()]
      .filter((kind) => this.#limited.some((of) => this.#work[kind]!.needs[of] > 0))
      .map((kind) => ({ kind, machines: machinesOf(kind) }))
      .toSorted((a, b) => a.machines - b.machines);
    for (const { kind } of rarest) {
      const part = all > 0 ? sizes[kind]! / all : 1;
      this.#take(kind, Math.max(this.#work[kind]!.atOnce, Math.ceil(part * this.#atMost(kind))));
    }
    for (const { kind } of rarest) this.#take(kind, Infinity);
    for (const { machine, taken } of this.#lines) this.#fill(machine, taken);
  }

  /** Tasks of a kind that the whole quota covers at once. */
  #atMost(kind: number): number {
    return countIn({ ...this.#left, ...this.#quota }, this.#work[kind]!.needs, this.#limited);
  }

  /** So many tasks of a kind, where they fit. */
  #take(kind: number, count: number): void {
    const { needs } = this.#work[kind]!;
    let wanted = Math.min(count, countIn(this.#left, needs, this.#limited));
    for (const { machine, slots, taken } of this.#lines) {
      if (wanted <= 0) return;
      const room = { ...machine.capacity };
      for (const of of this.#limited) room[of] -= taken[of];
      const here = Math.min(wanted, slots[kind]!, countIn(room, needs, this.#limited));
      for (const of of this.#limited) {
        taken[of] += here * needs[of];
        this.#left[of] -= here * needs[of];
      }
      wanted -= here;
    }
  }

  /** What is less than a task, and may be more than one of another kind. */
  #fill({ capacity }: Shared, taken: Record<Resource, number>): void {
    for (const of of this.#limited) {
      const more = Math.max(0, Math.min(this.#left[of], capacity[of] - taken[of]));
      taken[of] += more;
      this.#left[of] -= more;
    }
  }
}

function resourcesOf(quota: Amounts): Resource[] {
  return (["milliCpus", "memoryBytes"] as const).filter((of) => quota[of] !== undefined);
}

function countIn(
  room: Readonly<Record<Resource, number>>,
  needs: Needs,
  limited: readonly Resource[],
): number {
  const counts = limited.map((of) => (needs[of] > 0 ? Math.floor(room[of] / needs[of]) : Infinity));
  return Math.max(0, Math.min(...counts));
}

function kindsOf({ slots }: Line): number {
  return slots.filter((count) => count > 0).length;
}

/** What a CPU costs for what it does; of what costs nothing, how slow it is. */
function dearness({ rates, slowness, capacity }: Shared): number {
  const { microsPerHour = 0 } = rates ?? {};
  return slowness * (microsPerHour / Math.max(1, capacity.milliCpus) + 1e-9);
}

/**
 * What a project may use of shared machines at most, with all that it may borrow of its cohort: `lenders` are the
 * other projects. Of this nothing is promised.
 */
export function withBorrowed(
  { quota, cohort, borrow }: QuotaSpec,
  lenders: Iterable<QuotaSpec>,
): Amounts | undefined {
  if (!quota || cohort === undefined) return quota;
  const lent = [...lenders].filter((lender) => lender.cohort === cohort);
  const of = (resource: keyof Amounts): Amounts => {
    const own = quota[resource];
    if (own === undefined) return {};
    const sum = lent.reduce((total, lender) => total + (lender.quota?.[resource] ?? 0), 0);
    return { [resource]: own + Math.min(borrow?.[resource] ?? Infinity, sum) };
  };
  return { ...of("milliCpus"), ...of("memoryBytes") };
}
