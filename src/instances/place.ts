import { limits } from "#/base/limits.ts";
import { AwsError } from "#/model/aws-error.ts";
import { instanceTypes, type InstanceType } from "#/model/instance-type.ts";
import type { InstancePlacement, InstanceRecord } from "#/model/instance.ts";
import type { Space } from "#/space/space.ts";
import { expressionOf } from "./expression.ts";
import type { Field } from "./field.ts";
import { groupOf, hostsOf, vcpusMaxOf, type Host, type PlaceAsked } from "./host.ts";
import { misfitOf, type Misfit } from "./misfit.ts";
import { becauseOf, scoreOf } from "./rank.ts";
import { zonesOf } from "./zones.ts";

/** A machine on which an instance cannot be, and why. */
export interface MachineMisfit extends Misfit {
  machine: string;
}

/** Machines with room for instances; what is placed on them in one commit is taken off. */
export class Hosts {
  #hosts: Host[];

  constructor(space: Pick<Space, "get" | "all" | "list">, field: Field) {
    this.#hosts = hostsOf(space, field);
  }

  /** Takes a place for an instance. Throws "InsufficientInstanceCapacity" with why each machine has none. */
  take(asked: PlaceAsked): Host & { because: string } {
    const fitting = this.#fitting(asked);
    if (fitting.length === 0) throw insufficient(asked, this.explain(asked), this.#largest(asked));
    const score = scoreOf(asked.placement.rank);
    let best = fitting[0]!;
    let bestScore = score(best, asked);
    for (const host of fitting.slice(1)) {
      const its = score(host, asked);
      if (its > bestScore) [best, bestScore] = [host, its];
    }
    hold(best, asked);
    return { ...best, because: becauseOf(asked.placement.rank, fitting.length) };
  }

  /**
   * Takes a place that others make: of some machine, as few as will do of those that may leave it, in their order. Undefined where even
   * all of them are not enough. Those that are to leave are asked no second time.
   */
  takeFrom(
    asked: PlaceAsked,
    leavers: Map<string, readonly InstanceRecord[]>,
  ): { machine: string; going: readonly InstanceRecord[] } | undefined {
    const together = this.#together(asked);
    const places = this.#hosts.flatMap((host) => {
      if (together && !together.includes(host)) return [];
      const going = leaversFor(host, asked, leavers.get(host.record.name) ?? []);
      return going ? [{ host, going }] : [];
    });
    const [best] = places.sort((a, b) => a.going.length - b.going.length);
    if (!best) return undefined;
    const { host, going } = best;
    const machine = host.record.name;
    Object.assign(host, without(host, going));
    hold(host, asked);
    const left = (leavers.get(machine) ?? []).filter((one) => !going.includes(one));
    leavers.set(machine, left);
    return { machine, going };
  }

  /** Machines that fit; of a group that is to be together only those where it is. */
  #fitting(asked: PlaceAsked): Host[] {
    const fitting = this.#hosts.filter((host) => misfitOf(host, asked) === undefined);
    const together = this.#together(asked);
    return together ? fitting.filter((host) => together.includes(host)) : fitting;
  }

  /** Where a group is that is to be together; undefined where it is nowhere yet. */
  #together({ placement: { group }, project }: PlaceAsked): Host[] | undefined {
    if (group?.strategy !== "cluster") return undefined;
    const where = this.#hosts.filter(({ groups }) => groups.has(groupOf(project, group.title)));
    return where.length === 0 ? undefined : where;
  }

  /** Why an instance cannot be on each machine on which it cannot. */
  explain(asked: PlaceAsked): MachineMisfit[] {
    const together = this.#together(asked);
    return this.#hosts.flatMap((host) => {
      const machine = host.record.name;
      const misfit = misfitOf(host, asked);
      if (misfit) return [{ machine, ...misfit }];
      if (!together || together.includes(host)) return [];
      const where = together.map(({ record }) => record.name).join(", ");
      const { title } = asked.placement.group!;
      return [{ machine, sentence: `is not where the others of ${title} are: ${where}` }];
    });
  }

  /** How many more of a type would be taken, by machine; those that have room for none are left out. */
  rooms(type: InstanceType, project: string): { machine: string; room: number }[] {
    return this.#fitting({ type, project, placement: {} }).map((host) => ({
      machine: host.record.name,
      room: roomOf(host, type),
    }));
  }

  /** How many more of a type would be taken. */
  room(type: InstanceType, project: string): number {
    return this.rooms(type, project).reduce((sum, { room }) => sum + room, 0);
  }

  /** The largest type of the same kind that would be taken. */
  #largest(asked: PlaceAsked): InstanceType | undefined {
    return [...instanceTypes.values()]
      .filter(({ kind, memoryBytes }) => kind === asked.type.kind && memoryBytes > 0)
      .sort((a, b) => b.memoryBytes - a.memoryBytes)
      .find((type) => this.#fitting({ ...asked, type }).length > 0);
  }
}

/** As few as will do; undefined where all are not enough. */
function leaversFor(
  host: Host,
  asked: PlaceAsked,
  leavers: readonly InstanceRecord[],
): readonly InstanceRecord[] | undefined {
  const fits = (going: readonly InstanceRecord[]) =>
    misfitOf(without(host, going), asked) === undefined;
  const count = leavers.findIndex((_, index) => fits(leavers.slice(0, index + 1)));
  if (count < 0) return undefined;
  // A large one that came last may do without those before it.
  return leavers.slice(0, count + 1).reduce<readonly InstanceRecord[]>(
    (going, one) => {
      const fewer = going.filter((other) => other !== one);
      return fits(fewer) ? fewer : going;
    },
    leavers.slice(0, count + 1),
  );
}

/** A machine as it is when those have left it. */
function without(host: Host, going: readonly InstanceRecord[]): Host {
  const after = { ...host, free: { ...host.free }, groups: new Map(host.groups) };
  for (const { spec, project } of going) {
    const type = instanceTypes.get(spec.type)!;
    after.free.milliCpus += type.milliCpus;
    after.free.memoryBytes += type.memoryBytes;
    after.vcpus -= type.vcpus;
    after.instances--;
    const { group } = spec.placement;
    const name = group && groupOf(project, group.title);
    if (name !== undefined) after.groups.set(name, (after.groups.get(name) ?? 1) - 1);
  }
  return after;
}

function hold(host: Host, asked: PlaceAsked): void {
  const { type, placement, project, published = {} } = asked;
  const { group } = placement;
  for (const port of Object.values(published)) host.ports.set(port, { project });
  host.free.milliCpus -= type.milliCpus;
  host.free.memoryBytes -= type.memoryBytes;
  host.vcpus += type.vcpus;
  host.instances++;
  if (host.load !== undefined)
    host.load += type.milliCpus / Math.max(1, host.record.status.capacity.milliCpus);
  if (!group) return;
  const name = groupOf(project, group.title);
  host.groups.set(name, (host.groups.get(name) ?? 0) + 1);
}

function roomOf({ free, vcpus, record }: Host, type: InstanceType): number {
  const left = vcpusMaxOf(record) - vcpus;
  return Math.floor(
    Math.min(
      free.milliCpus / type.milliCpus,
      free.memoryBytes / type.memoryBytes,
      left / type.vcpus,
    ),
  );
}

/** Equal reasons once, with the machines that have them. */
export function folded<One extends { machine: string; sentence: string }>(
  all: readonly One[],
): One[] {
  return [...Map.groupBy(all, ({ sentence }) => sentence).values()].map((group) => {
    const [first, second] = group as [One, One?];
    if (group.length <= 2) return { ...first, machine: group.map((one) => one.machine).join(", ") };
    return {
      ...first,
      machine: `${first.machine}, ${second!.machine} and ${group.length - 2} more`,
    };
  });
}

function insufficient(
  { type: { name }, published }: PlaceAsked,
  misfits: readonly MachineMisfit[],
  largest: InstanceType | undefined,
): AwsError {
  const reasons = folded(misfits)
    .slice(0, limits.namedInErrorMax)
    .map(({ machine, sentence }) => `${machine} ${sentence}`);
  const why = reasons.length === 0 ? "no machine is connected" : reasons.join("; ");
  const flip = largest && largest.name !== name ? ` There is room for ${largest.name}.` : "";
  return new AwsError(
    "InsufficientInstanceCapacity",
    500,
    `There is no machine with room for an instance of type ${name}: ${why}.${flip}`,
    { hint: published ? "See what has ports: canopy instances" : `canopy why ${name}` },
  );
}

/** Throws "InvalidParameterValue" for a zone that there is not, and for what is no CEL. */
export function requirePlacement(placement: InstancePlacement, space: Pick<Space, "list">): void {
  const { zone, requirements, rank } = placement;
  if (zone !== undefined && !zonesOf(space).some(({ name }) => name === zone))
    throw new AwsError(
      "InvalidParameterValue",
      400,
      `Invalid availability zone: [${zone.slice(0, 100)}]`,
    );
  if (requirements !== undefined) expressionOf(requirements);
  if (rank !== undefined) scoreOf(rank);
}
