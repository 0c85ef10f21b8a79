import { includesRole } from "#/access/roles.ts";
import { decisionsAbout } from "#/autonomic/decide.ts";
import { CanopyError } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import { keyDecisionsName, type KeyRecord } from "#/model/access.ts";
import { briefDuration } from "#/model/units.ts";
import { whyView, type ExplanationView } from "#/model/views.ts";
import { defineCall } from "../call.ts";
import { inProject, keyParams } from "../params.ts";
import { explainedDecision } from "../views/decisions.ts";
import { instantOf } from "../views/time.ts";

export const whyKey = defineCall({
  summary: "Explain a key",
  description:
    "What it may do, whether it is slowed and why, and what was decided about it. For all but admins, their own only.",
  tag: "access",
  role: "viewer",
  params: keyParams,
  query: inProject,
  answer: whyView,
  errors: ["not-found"],
  async run({ parts, project, caller, params }) {
    const { space, pace, clock } = parts;
    const key = space.get("key", `${project}/${params.key}`);
    if (!key || (key.name !== caller.name && !includesRole(caller.role, "admin")))
      throw new CanopyError(
        "not-found",
        `Cannot find the key '${params.key}' in the project '${project}'`,
        { hint: "canopy key list" },
      );
    const decisions = await decisionsAbout(
      space,
      keyDecisionsName(key.name),
      limits.decisionsShown,
    );
    const isFlooding = pace.isFlooding(key.name);
    const isOver = key.spec.expiresAt !== undefined && key.spec.expiresAt <= clock.now();
    return {
      id: params.key,
      phase: isOver ? "expired" : key.status.slowed || isFlooding ? "slowed" : "good",
      explanations: [
        rightsOf(key),
        ...slowedOf(key, isFlooding),
        ...decisions.slice(0, limits.decisionsShown).flatMap(explainedDecision),
      ],
    };
  },
});

function rightsOf({ project, spec }: KeyRecord): ExplanationView {
  const until = spec.expiresAt === undefined ? "" : `, until ${instantOf(spec.expiresAt)}`;
  const may = {
    viewer: "may read what the project",
    submitter: "may read, run and cancel jobs of the project",
    admin: "may do everything in the project",
    root: "may do everything, as for the project",
  }[spec.role];
  return {
    sentence: `'${spec.title}' ${may} '${project}'${spec.role === "viewer" ? " has" : ""}${until}`,
  };
}

function slowedOf({ status }: KeyRecord, isFlooding: boolean): ExplanationView[] {
  const { slowed } = status;
  return [
    ...(slowed
      ? [
          {
            sentence: `it may begin a job every ${briefDuration(slowed.everyMs)} since ${instantOf(slowed.since)}, as ${slowed.reason}`,
            flip: "one of its jobs that ends well",
            advice: "see why they fail: canopy ps --all",
          },
        ]
      : []),
    ...(isFlooding
      ? [
          {
            sentence: `no more than ${1000 / limits.callMs} of its changes a second are taken, as it asked for too many at once`,
            flip: `fewer than that for ${briefDuration((limits.callsMax * limits.callMs) / 2)}`,
            advice: "give more tasks to fewer calls",
          },
        ]
      : []),
  ];
}
