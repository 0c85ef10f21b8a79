import { limits } from "#/base/limits.ts";
import { instanceTypes, type InstanceType } from "#/model/instance-type.ts";
import type { InstancePlacement, InstanceRecord } from "#/model/instance.ts";
import type { MachineRecord } from "#/model/machine.ts";
import type { Space } from "#/space/space.ts";
import type { PlaceFacts } from "./expression.ts";
import type { Field } from "./field.ts";
import { zoneOf, zonesOf } from "./zones.ts";

/** What an instance needs of the machine that it is to be on. */
export interface PlaceAsked {
  type: InstanceType;
  project: string;
  placement: InstancePlacement;
  tags?: Readonly<Record<string, string>>;
  /** Where its volumes are: nowhere else may it be. */
  only?: string;
  /** It is to leave that one. */
  not?: string;
  /** Storage that its volumes are on. */
  storages?: readonly string[];
  /** Its ports by their ports of the machine: see `published` of an instance's network. */
  published?: Readonly<Record<string, number>>;
  /** One that is there already: ports that it has are not in its way. */
  instance?: string;
}

/** What an instance that is there needs of whichever machine it is on. */
export function askedBy({ name, spec, project }: InstanceRecord): PlaceAsked {
  const { type, placement, tags, network } = spec;
  const { published } = network;
  return {
    type: instanceTypes.get(type)!,
    project,
    placement,
    tags,
    instance: name,
    ...(published && { published }),
  };
}

/** Who has a port of a machine; `instance` is absent for one that is being launched. */
export interface PortHolder {
  project: string;
  instance?: string;
}

/** A machine as instances see it. */
export interface Host {
  record: MachineRecord;
  isConnected: boolean;
  zone: string | undefined;
  /** What instances may still hold of it, as far as it may be overcommitted. */
  free: { milliCpus: number; memoryBytes: number };
  /** Processors that its instances see. */
  vcpus: number;
  instances: number;
  /** How many instances of each group are on it: see `groupOf`. */
  groups: Map<string, number>;
  /** Who has which of its ports. */
  ports: Map<number, PortHolder>;
  /** Share of its CPUs in use, as it said last, and what was placed on it since. */
  load: number | undefined;
}

export const groupOf = (project: string, title: string) => `${project}:${title}`;

/** All machines, with what instances hold of them. */
export function hostsOf(space: Pick<Space, "get" | "all" | "list">, field: Field): Host[] {
  const zones = zonesOf(space);
  const held = new Map<string, Held>();
  const ports = portsOf(space);
  for (const { project, spec, status } of space.all("instance")) {
    const type = instanceTypes.get(spec.type);
    const { machine, state } = status;
    if (!type || machine === undefined || state === "stopped" || state === "terminated") continue;
    const of = held.get(machine) ?? nothingHeld();
    held.set(machine, of);
    of.milliCpus += type.milliCpus;
    of.memoryBytes += type.memoryBytes;
    of.vcpus += type.vcpus;
    of.instances++;
    const { group } = spec.placement;
    if (!group) continue;
    const name = groupOf(project, group.title);
    of.groups.set(name, (of.groups.get(name) ?? 0) + 1);
  }
  return field.machines().flatMap(({ machine, connected, free, load }) => {
    const record = space.get("machine", machine);
    if (!record) return [];
    const { vcpus, instances, groups, ...ofInstances } = held.get(machine) ?? nothingHeld();
    const host: Host = {
      record,
      isConnected: connected,
      zone: zoneOf(record, zones),
      free: overcommitted(record, free, ofInstances),
      vcpus,
      instances,
      groups,
      ports: ports.get(machine) ?? new Map(),
      load: load?.cpuShare,
    };
    return [host];
  });
}

/** By machine. An instance has its ports also where it comes to, and where it was until that machine says that nothing is there. */
function portsOf(space: Pick<Space, "all">): Map<string, Host["ports"]> {
  const all = new Map<string, Host["ports"]>();
  for (const { name, project, spec, status } of space.all("instance")) {
    const { state, machine, move, left = [] } = status;
    const { published } = spec.network;
    if (!published) continue;
    const isThere = state !== "stopped" && state !== "terminated";
    const there = isThere ? [machine ?? [], move?.to ?? []].flat() : [];
    for (const one of new Set([...there, ...left])) {
      const ports = all.get(one) ?? new Map<number, PortHolder>();
      all.set(one, ports);
      for (const port of Object.values(published)) ports.set(port, { project, instance: name });
    }
  }
  return all;
}

interface Held {
  milliCpus: number;
  memoryBytes: number;
  vcpus: number;
  instances: number;
  groups: Map<string, number>;
}

const nothingHeld = (): Held => ({
  milliCpus: 0,
  memoryBytes: 0,
  vcpus: 0,
  instances: 0,
  groups: new Map(),
});

/** A machine's labels may say that instances hold more of it than it has; never more than that in all. */
function overcommitted(
  { spec, status }: MachineRecord,
  free: Host["free"],
  held: Host["free"],
): Host["free"] {
  const { capacity } = status;
  const { overcommitCpuMax, overcommitMemoryMax } = limits;
  const cpu = factorOf(spec.labels[overcommitCpuLabel], overcommitCpuMax);
  const memory = factorOf(spec.labels[overcommitMemoryLabel], overcommitMemoryMax);
  // `free` is never below 0, and so says nothing of a machine that is overcommitted already.
  const room = (left: number, all: number, ofInstances: number, factor: number) =>
    Math.min(left + (factor - 1) * all, factor * all - ofInstances);
  return {
    milliCpus: room(free.milliCpus, capacity.milliCpus, held.milliCpus, cpu),
    memoryBytes: room(free.memoryBytes, capacity.memoryBytes, held.memoryBytes, memory),
  };
}

const overcommitCpuLabel = "overcommit-cpu";
const overcommitMemoryLabel = "overcommit-memory";
const vcpusPerCpuLabel = "vcpus-per-cpu";

function factorOf(label: string | undefined, max: number): number {
  const factor = Number(label ?? 1);
  return factor >= 1 ? Math.min(factor, max) : 1;
}

/** How many processors its instances may see in all. */
export function vcpusMaxOf({ spec, status }: MachineRecord): number {
  const { instanceVcpusPerCpu } = limits;
  const said = Number(spec.labels[vcpusPerCpuLabel] ?? instanceVcpusPerCpu);
  const perCpu = said > 0 ? said : instanceVcpusPerCpu;
  return Math.floor((perCpu * status.capacity.milliCpus) / 1000);
}

/** The same machine for those who write expressions. */
export function factsOf(host: Host, { type, project, tags = {} }: PlaceAsked): PlaceFacts {
  const { record, zone, free, instances, vcpus, load } = host;
  const { spec, status, name } = record;
  const { capacity, hosting, rates } = status;
  return {
    machine: {
      name,
      site: spec.site,
      labels: spec.labels,
      os: status.os,
      arch: status.arch,
      cpus: capacity.milliCpus / 1000,
      memoryBytes: capacity.memoryBytes,
      freeCpus: free.milliCpus / 1000,
      freeMemoryBytes: free.memoryBytes,
      instances,
      vcpus,
      kinds: [...(hosting?.kinds ?? [])],
      hasKvm: hosting?.hasKvm === true,
      networks: hosting?.networks ?? "",
      storages: [...(hosting?.storages ?? [])],
      ...(zone !== undefined && { zone }),
      ...(load !== undefined && { load }),
      ...(rates.microsPerHour !== undefined && { perHour: rates.microsPerHour / 1e6 }),
      ...(rates.peakWatts > 0 && { idleWatts: rates.idleWatts, peakWatts: rates.peakWatts }),
    },
    instance: {
      type: type.name,
      kind: type.kind,
      vcpus: type.vcpus,
      memoryBytes: type.memoryBytes,
      project,
      tags,
    },
  };
}
