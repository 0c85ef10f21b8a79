import { decisionsAbout } from "#/autonomic/decide.ts";
import { limits } from "#/base/limits.ts";
import { volumesOf } from "#/instances/bind.ts";
import { askedBy } from "#/instances/host.ts";
import { Hosts } from "#/instances/place.ts";
import { recentUseOf } from "#/instances/use.ts";
import type { InstanceRecord } from "#/model/instance.ts";
import { briefDuration } from "#/model/units.ts";
import type { VolumeRecord } from "#/model/volume.ts";
import { whyView, type ExplanationView } from "#/model/views.ts";
import { defineCall } from "../call.ts";
import { inProject, instanceParams } from "../params.ts";
import type { DoorParts } from "../parts.ts";
import { explainedDecision } from "../views/decisions.ts";
import { explainedSavings } from "../views/savings.ts";
import { instantOf } from "../views/time.ts";

export const whyInstance = defineCall({
  summary: "Explain an instance",
  description:
    "Why it is on its machine, what it waits for, why it ended; what keeps one that is stopped from being started, and what would turn that.",
  tag: "instances",
  role: "viewer",
  params: instanceParams,
  query: inProject,
  answer: whyView,
  errors: ["not-found"],
  async run({ parts, project, params }) {
    const [record] = parts.instances.find(project, [params.instance]);
    const { name, status } = record!;
    const decisions = await decisionsAbout(parts.space, name, limits.decisionsShown);
    const volumes = volumesOf(parts.space, name);
    return {
      id: name,
      phase: status.state,
      explanations: [
        ...stateOf(parts, record!),
        ...volumes.flatMap(faultOf),
        ...used(parts, record!),
        ...explainedSavings(parts, project, name),
        ...decisions.flatMap(explainedDecision),
      ],
    };
  },
});

function stateOf(parts: DoorParts, record: InstanceRecord): ExplanationView[] {
  const { spec, status } = record;
  const since = instantOf(status.since);
  switch (status.state) {
    case "pending":
      return [...placed(record), ...waits(parts, record, "starts it")];
    case "running":
      return [
        ...placed(record),
        ...crashed(record),
        ...waits(parts, record, "has it"),
        ...unreached(record),
      ];
    case "stopping":
    case "shutting-down":
      return [...ended(record), ...waits(parts, record, "ends it")];
    case "stopped":
      return [...ended(record), ...startable(parts, record)];
    case "terminated":
      return [
        ...ended(record),
        {
          sentence: `it is gone since ${since}, and told of for ${briefDuration(limits.terminatedKeptMs)} after that`,
          advice: `canopy instances run ${spec.image} --type ${spec.type}`,
        },
      ];
  }
}

/** Why here. */
function placed({ status }: InstanceRecord): ExplanationView[] {
  const { machine, because, startedAt, interruptionAt, interruption, moved } = status;
  const run = startedAt === undefined ? "" : `, and began to run at ${instantOf(startedAt)}`;
  return [
    ...(machine === undefined
      ? []
      : [{ machine, sentence: `it is there as ${because ?? "it was bound to it"}${run}` }]),
    ...(moved && moved.to === machine ? [came(moved)] : []),
    ...(interruptionAt === undefined
      ? []
      : [
          {
            sentence: `it will be taken away at ${instantOf(interruptionAt)}: ${interruption === "capacity" ? "an instance on demand needs its room" : "its spot price rose"}`,
          },
        ]),
  ];
}

function came({ from, to, at, pauseMs }: NonNullable<InstanceRecord["status"]["moved"]>) {
  const pause = pauseMs === undefined ? "" : `; it stood still for ${Math.round(pauseMs)} ms`;
  return { machine: to, sentence: `it came from ${from} at ${instantOf(at)}, running${pause}` };
}

/** Why it does not run since it was started. */
function crashed({ name, status }: InstanceRecord): ExplanationView[] {
  if (!status.crashed) return [];
  const { at, message } = status.crashed;
  return [
    {
      sentence: `it crashed at ${instantOf(at)}, and was started again: ${message}`,
      advice: `canopy instances console ${name}`,
    },
  ];
}

/** What it waits for: its machine, or what recovery said. */
function waits(
  { scheduler, space, clock }: DoorParts,
  { status, spec, name }: InstanceRecord,
  does: string,
): ExplanationView[] {
  const { machine, waits: said, state, since, left = [] } = status;
  const told = said === undefined ? [] : [{ sentence: `it waits: ${said}` }];
  const leaving = left.map((one) => ({
    machine: one,
    sentence: "it was there before, and that machine has not said yet that nothing of it is there",
    advice: `canopy why machine ${one}`,
  }));
  if (machine === undefined) return [...told, ...leaving];
  const { waitsFor } = status;
  if (waitsFor) {
    const sentence = `it begins when ${waitsFor.instances.length} spot instances there have made room for it, by ${instantOf(waitsFor.until)}`;
    return [...told, { machine, sentence }, ...leaving];
  }
  const isConnected = scheduler.machines().some((one) => one.machine === machine && one.connected);
  if (!space.get("machine", machine))
    return [...told, { machine, sentence: "that machine was removed" }, ...leaving];
  if (!isConnected)
    return [
      ...told,
      {
        machine,
        sentence: `the machine that ${does} is not connected`,
        flip: spec.isRecovered
          ? "it is started elsewhere once it is certain that nothing of it runs there"
          : "its agent must come back; one that was launched with --recover would be started elsewhere",
        advice: `canopy why machine ${machine}`,
      },
      ...leaving,
    ];
  if (state === "running") return [...told, ...leaving];
  const forMs = clock.now() - since;
  return [
    ...told,
    {
      machine,
      sentence: `the machine that ${does} was told of it ${briefDuration(forMs)} ago, and has not said that it is done`,
      advice: `canopy instances console ${name}`,
    },
    ...leaving,
  ];
}

/** How busy it was in the hours that are known. */
function used({ clock }: DoorParts, record: InstanceRecord): ExplanationView[] {
  const perMille = recentUseOf(record, clock.now()) ?? [];
  if (perMille.length === 0) return [];
  const [last, most] = [perMille.at(-1)! / 10, Math.max(...perMille) / 10];
  const of = briefDuration(perMille.length * limits.useWindowMs);
  return [
    {
      sentence: `it used ${last} % of its processors in its last hour, and ${most} % in the busiest one of the last ${of}`,
    },
  ];
}

function unreached({ status, spec, name }: InstanceRecord): ExplanationView[] {
  if (status.publicIp !== undefined) return [];
  return spec.network.hasPublicAddress
    ? [
        {
          sentence:
            "it cannot be reached from outside yet, as its machine has told no address of it",
          advice: `canopy instances console ${name}`,
        },
      ]
    : [
        {
          sentence: "it cannot be reached from outside, as it was to have no public address",
          flip: "launch it in a subnet that gives public addresses",
        },
      ];
}

function ended({ status }: InstanceRecord): ExplanationView[] {
  const { reason } = status;
  if (!reason) return [];
  const { code, message } = reason;
  const words = message.startsWith(`${code}: `) ? message.slice(code.length + 2) : message;
  return [
    { sentence: `it is ${status.state} since ${instantOf(status.since)}: ${words} (${code})` },
  ];
}

/** Whether one that is stopped could be started now, and what is in its way. */
function startable({ space, scheduler }: DoorParts, record: InstanceRecord): ExplanationView[] {
  const { name, status } = record;
  const { machine } = status;
  const asked = { ...askedBy(record), ...(machine !== undefined && { only: machine }) };
  const all = new Hosts(space, scheduler).explain(asked);
  const inWay = machine === undefined ? all : all.filter((one) => one.machine === machine);
  if (machine !== undefined && !space.get("machine", machine))
    return [{ machine, sentence: "that machine was removed, and its volumes with it" }];
  if (inWay.length === 0)
    return [{ sentence: "it could be started now", advice: `canopy instances start ${name}` }];
  return inWay.map((one) => ({ ...one, sentence: `${one.sentence}: it cannot be started there` }));
}

function faultOf({ name, status }: VolumeRecord): ExplanationView[] {
  const { attachment, reason } = status;
  if (status.state === "error")
    return [
      { subject: name, sentence: `its volume has failed: ${reason ?? "no reason was given"}` },
    ];
  if (!attachment) return [];
  const { state, reason: why } = attachment;
  if (why !== undefined)
    return [{ subject: name, sentence: `its volume cannot be ${undone[state]} yet: ${why}` }];
  if (state === "detaching")
    return [{ subject: name, sentence: "the volume is being taken from it" }];
  return [];
}

const undone = { attaching: "given to it", attached: "changed", detaching: "taken from it" };
