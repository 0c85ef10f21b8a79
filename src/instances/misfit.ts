import { briefSize } from "#/model/units.ts";
import { messageOf } from "#/base/errors.ts";
import { expressionOf } from "./expression.ts";
import { factsOf, groupOf, vcpusMaxOf, type Host, type PlaceAsked } from "./host.ts";

/** Why an instance cannot be on a machine: a sentence that goes on after its name, and what would turn it. */
export interface Misfit {
  sentence: string;
  /** The smallest change with which it could be there. */
  flip?: string;
  /** A command that can be pasted. */
  advice?: string;
}

type Rule = (host: Host, asked: PlaceAsked) => Misfit | undefined;

/** Undefined where it can be there. What cannot be changed is said before what can. */
export function misfitOf(host: Host, asked: PlaceAsked): Misfit | undefined {
  for (const rule of rules) {
    const misfit = rule(host, asked);
    if (misfit) return misfit;
  }
  return undefined;
}

const rules: readonly Rule[] = [
  ({ record: { name } }, { only, not, placement }) => {
    if (only !== undefined && only !== name)
      return {
        sentence: "does not have its volumes",
        flip: "take snapshots of them, and launch another one from these",
      };
    if (not === name) return { sentence: "is the one that it is to leave" };
    if (placement.machine !== undefined && placement.machine !== name)
      return { sentence: `is not ${placement.machine}, which was asked for` };
    return undefined;
  },
  ({ record: { status, name } }, { type }) => {
    const { hosting } = status;
    const missing = hosting?.missing.length ? `: ${hosting.missing.join("; ")}` : "";
    if (!hosting)
      return {
        sentence: "hosts no instances",
        flip: "its agent must find crun or QEMU there",
        advice: `canopy machines show ${name}`,
      };
    if (!hosting.kinds.includes(type.kind))
      return {
        sentence: `cannot run a ${type.kind}${missing}`,
        flip: `install what is missing there, or take a type that is a ${hosting.kinds.join(" or ")}`,
        advice: "canopy instances types",
      };
    return undefined;
  },
  ({ record: { status } }, { storages = [] }) => {
    const absent = storages.find((one) => !status.hosting!.storages.includes(one));
    return absent === undefined
      ? undefined
      : {
          sentence: `does not share the storage ${absent}, which its volumes are on`,
          flip: `start its agent with --storage ${absent}=FOLDER`,
        };
  },
  ({ zone }, { placement }) =>
    placement.zone === undefined || placement.zone === zone
      ? undefined
      : { sentence: `is in ${zone ?? "no zone"} and not in ${placement.zone}` },
  ({ isConnected, record: { name } }) =>
    isConnected
      ? undefined
      : {
          sentence: "is not connected",
          flip: "its agent must run and reach the cloud",
          advice: `canopy why machine ${name}`,
        },
  ({ record: { spec, name } }, { project }) => {
    if (spec.standing)
      return { sentence: `is ${spec.standing.phase}: ${spec.standing.reason}`, ...opens(name) };
    if (spec.cordoned) return { sentence: "is cordoned", ...opens(name) };
    if (spec.reservedFor !== undefined) return { sentence: "is another job's" };
    if (spec.reservedForProject !== undefined && spec.reservedForProject !== project)
      return { sentence: "is another project's" };
    return undefined;
  },
  (host, asked) => {
    const { requirements } = asked.placement;
    if (requirements === undefined) return undefined;
    const found = expressionOf(requirements)(factsOf(host, asked));
    if (found === true) return undefined;
    const flip = "ask for less, or label it as is asked for";
    if (found === false) return { sentence: `is not one where ${requirements}`, flip };
    const why = found instanceof Error ? messageOf(found) : "it is neither true nor false";
    return { sentence: `cannot be asked whether ${requirements}: ${why}`, flip };
  },
  ({ groups }, { placement: { group }, project }) => {
    const count = group ? (groups.get(groupOf(project, group.title)) ?? 0) : 0;
    if (group?.strategy !== "spread" || count === 0) return undefined;
    return {
      sentence: `has one of ${group.title} already, and these are spread`,
      flip: "add a machine, or terminate the one there",
      advice: "canopy join",
    };
  },
  ({ ports }, { published = {}, project, instance: itself }) => {
    const isOthers = (port: number) =>
      ports.has(port) && (itself === undefined || ports.get(port)!.instance !== itself);
    const taken = Object.values(published).find(isOthers);
    if (taken === undefined) return undefined;
    const holder = ports.get(taken)!;
    const { instance } = holder;
    if (holder.project !== project)
      return { sentence: `gave its port ${taken} to another project`, flip: otherPort };
    if (instance === undefined)
      return { sentence: `gives its port ${taken} to another one of them`, flip: addMachine };
    return {
      sentence: `gave its port ${taken} to ${instance}`,
      flip: `stop or terminate that one, or ${otherPort}`,
      advice: `canopy instances show ${instance}`,
    };
  },
  (host, { type }) => {
    const { free, vcpus, record } = host;
    const { name } = record;
    if (free.memoryBytes < type.memoryBytes)
      return {
        sentence: `has ${briefSize(Math.max(0, free.memoryBytes))} of ${briefSize(type.memoryBytes)} of memory free`,
        flip: `${briefSize(type.memoryBytes - free.memoryBytes)} more given free there, or a type with less`,
        advice: `canopy instances ls --machine ${name}`,
      };
    if (free.milliCpus < type.milliCpus)
      return {
        sentence: `has ${cpusOf(free.milliCpus)} of ${cpusOf(type.milliCpus)} CPUs free`,
        flip: `${cpusOf(type.milliCpus - free.milliCpus)} more given free there, or a type that holds less`,
        advice: `canopy instances ls --machine ${name}`,
      };
    const vcpusMax = vcpusMaxOf(record);
    if (vcpus + type.vcpus > vcpusMax)
      return {
        sentence: `has ${vcpusMax - vcpus} of ${type.vcpus} virtual CPUs left: its instances may have ${vcpusMax}`,
        flip: "a larger vcpus-per-cpu there",
        advice: `canopy machines label ${name} vcpus-per-cpu=NUMBER`,
      };
    return undefined;
  },
];

const otherPort = "publish another port, or add a machine";
const addMachine = "a machine for each, as a port of one leads to one instance";

const opens = (name: string) => ({
  flip: "open it again",
  advice: `canopy machines uncordon ${name}`,
});

const cpusOf = (milliCpus: number) => String(Math.max(0, Math.round(milliCpus)) / 1000);
