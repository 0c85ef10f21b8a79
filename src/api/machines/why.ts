import { decisionsAbout, subjectOf } from "#/autonomic/decide.ts";
import { limits } from "#/base/limits.ts";
import type { MachineRecord } from "#/model/machine.ts";
import { whyView, type ExplanationView } from "#/model/views.ts";
import { defineCall } from "../call.ts";
import { inProject, machineParams } from "../params.ts";
import type { DoorParts } from "../parts.ts";
import { isTold } from "../views/access.ts";
import { explainedDecision } from "../views/decisions.ts";
import { findMachine } from "../views/machines.ts";
import { instantOf } from "../views/time.ts";

export const whyMachine = defineCall({
  summary: "Explain a machine",
  description:
    "Why it is there, what it runs, and why it runs no more: for each step whose tasks wait, why not here. Why it was taken out of use.",
  tag: "machines",
  role: "viewer",
  params: machineParams,
  query: inProject,
  answer: whyView,
  errors: ["not-found"],
  async run({ parts, project, caller, params }) {
    const isSeen = (of: { project: string }) => isTold({ project, caller }, of);
    const machine = findMachine(parts.space, params.machine);
    const { name, spec } = machine;
    const state = parts.scheduler.machines().find((one) => one.machine === name);
    const phase = !state?.connected
      ? "away"
      : spec.cordoned
        ? spec.standing?.phase === "isolated"
          ? "isolated"
          : "cordoned"
        : state.running > 0
          ? "working"
          : "idle";
    return {
      id: name,
      phase,
      explanations: [
        thereFor(parts, machine, isSeen),
        ...(await decisionsOn(parts, machine, isSeen)),
        ...parts.scheduler.explainMachine(name, (of) => isSeen({ project: of })),
      ],
    };
  },
});

type IsSeen = (of: { project: string }) => boolean;

function thereFor(
  { space }: DoorParts,
  { name, spec }: MachineRecord,
  isSeen: IsSeen,
): ExplanationView {
  const { order, reservedFor, reservedForProject: payer, site, joinedAt } = spec;
  const at = instantOf(joinedAt);
  if (order === undefined)
    return {
      machine: name,
      sentence:
        site === "local"
          ? `it is the computer that this cloud runs on, and joined at ${at}`
          : `somebody let it join at ${at}; it was not bought, and stays until it is removed`,
    };
  if (!isSeen({ project: space.get("order", order)?.project ?? payer ?? "" }))
    return { machine: name, sentence: `it was ordered for another project, and joined at ${at}` };
  return {
    machine: name,
    sentence: `it was ordered of ${site}${payer === undefined ? "" : ` for all jobs of the project ${payer}`}${reservedFor === undefined ? "" : ` for the job ${reservedFor}`}, and joined at ${at}`,
    advice: `canopy why ${order}`,
  };
}

async function decisionsOn(
  { space }: DoorParts,
  { name, spec }: MachineRecord,
  isSeen: IsSeen,
): Promise<ExplanationView[]> {
  const own = await decisionsAbout(space, name, limits.decisionsShown);
  const [order] = spec.order === undefined ? [] : await space.find("order", [spec.order]);
  const payer =
    order?.spec.decision === undefined ? spec.reservedFor : subjectOf(order.spec.decision);
  const ofPayer = payer === undefined ? [] : await decisionsAbout(space, payer, limits.pageMax);
  return [...own, ...ofPayer.filter((one) => one.spec.subject === name)]
    .filter(isSeen)
    .flatMap(explainedDecision);
}
