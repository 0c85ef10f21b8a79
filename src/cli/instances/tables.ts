import type { InstanceState } from "#/model/instance.ts";
import type { InstanceTypeView, InstanceView } from "#/model/instance-views.ts";
import { briefSize } from "#/model/units.ts";
import { column, type Cell, type Column, type Result } from "../result.ts";
import type { Tone } from "../terminal.ts";
import { agoOf } from "../words.ts";

const tones: Record<InstanceState, Tone> = {
  pending: "yellow",
  running: "green",
  stopping: "yellow",
  stopped: "dim",
  "shutting-down": "yellow",
  terminated: "dim",
};

export const stateCellOf = ({ state }: InstanceView): Cell => ({ text: state, tone: tones[state] });

export function instanceColumns(nowMs: number): Column[] {
  return [
    column<InstanceView>("instance", ({ id }) => id),
    column<InstanceView>("name", ({ name = "" }) => name, { flexible: true }),
    column<InstanceView>("state", stateCellOf),
    column<InstanceView>("type", ({ type }) => type),
    column<InstanceView>("kind", ({ kind }) => kind),
    column<InstanceView>("address", addressOf, { flexible: true }),
    column<InstanceView>("machine", ({ machine = "" }) => machine, { flexible: true }),
    column<InstanceView>("per hour", ({ perHour }) => perHour, { align: "right" }),
    column<InstanceView>("since", ({ since }) => agoOf(since, nowMs), { align: "right" }),
  ];
}

/** Where it is reached: the public address, or else its own. */
function addressOf({ publicIp, ports, privateIp }: InstanceView): string {
  if (publicIp === undefined) return privateIp;
  const all = Object.entries(ports ?? {}).map(([port, outside]) => `${port} at ${outside}`);
  return all.length === 0 ? publicIp : `${publicIp} (${all.join(", ")})`;
}

/** Ports of its machine that are kept for it. */
function publishedOf({ published = {} }: InstanceView): string {
  const all = Object.entries(published).map(([port, outside]) => `${outside}:${port}`);
  return all.join(" ");
}

export function instanceRecord(instance: InstanceView, nowMs: number): Result {
  const { disks, placement, reason, tags } = instance;
  const placed = [
    placement.machine !== undefined && `on ${placement.machine}`,
    placement.zone !== undefined && `in ${placement.zone}`,
    placement.require !== undefined && `where ${placement.require}`,
    placement.rank !== undefined && `by ${placement.rank}`,
    placement.group && `${placement.group.strategy} of ${placement.group.title}`,
  ].filter((word) => typeof word === "string");
  const kept = [
    instance.isTerminationProtected && "from being terminated",
    instance.isStopProtected && "from being stopped",
  ].filter((word) => typeof word === "string");
  return {
    type: "record",
    value: instance,
    fields: [
      { title: "instance", value: instance.id },
      { title: "name", value: instance.name },
      { title: "state", value: stateCellOf(instance) },
      { title: "as", value: instance.state === "running" ? undefined : reason?.message },
      { title: "waits", value: instance.waits },
      { title: "type", value: `${instance.type}, a ${instance.kind}` },
      { title: "image", value: instance.image },
      { title: "machine", value: instance.machine },
      { title: "placed", value: placed.join(", ") },
      { title: "address", value: addressOf(instance) },
      { title: "published", value: publishedOf(instance) },
      { title: "private", value: `${instance.privateIp} in ${instance.subnet}` },
      { title: "groups", value: instance.groups.join(" ") },
      { title: "key", value: instance.keyName },
      {
        title: "volumes",
        value: disks.map(({ volume, device }) => `${volume} as ${device}`).join(", "),
      },
      {
        title: "price",
        value: `${instance.perHour} per hour${instance.isSpot ? ", spot" : ""}, ${instance.spent} so far`,
      },
      { title: "protected", value: kept.join(" and ") },
      { title: "recovered", value: instance.isRecovered ? "when its machine dies" : undefined },
      {
        title: "tags",
        value: Object.entries(tags)
          .map(([name, value]) => `${name}=${value}`)
          .join(" "),
      },
      { title: "launched", value: agoOf(instance.launchedAt, nowMs) },
      { title: "since", value: agoOf(instance.since, nowMs) },
    ],
  };
}

export const typeColumns: Column[] = [
  column<InstanceTypeView>("type", ({ name }) => name),
  column<InstanceTypeView>("kind", ({ kind }) => kind),
  column<InstanceTypeView>("vcpus", ({ vcpus }) => String(vcpus), { align: "right" }),
  column<InstanceTypeView>("holds", ({ holdsCpus }) => `${holdsCpus}cpu`, { align: "right" }),
  column<InstanceTypeView>("memory", ({ memoryBytes }) => briefSize(memoryBytes), {
    align: "right",
  }),
  column<InstanceTypeView>("per hour", ({ perHour, currency }) => `${perHour} ${currency}`, {
    align: "right",
  }),
  column<InstanceTypeView>("room", ({ room }) => String(room), { align: "right" }),
];
