import { decisionsAbout } from "#/autonomic/decide.ts";
import { savingLevel } from "#/autonomic/savings/savings.ts";
import { CanopyError } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import { savingsOf } from "#/instances/savings.ts";
import { isDoable } from "#/model/saving.ts";
import { whyView } from "#/model/views.ts";
import { defineCall } from "../call.ts";
import { inProject, savingParams } from "../params.ts";
import { explainedDecision } from "../views/decisions.ts";

export const whySaving = defineCall({
  summary: "Explain what is done about something that costs money",
  description:
    "Whether a volume, a snapshot or a spot request serves somebody, as far as can be seen; how far the policy lets Canopy end it, and what was done or proposed.",
  tag: "instances",
  role: "viewer",
  params: savingParams,
  query: inProject,
  answer: whyView,
  errors: ["not-found"],
  async run({ parts, project, params }) {
    const { space, clock } = parts;
    const { saving: id } = params;
    const all = await decisionsAbout(space, id, limits.decisionsShown);
    const decisions = all.filter((one) => one.project === project);
    const found = savingsOf(space, { project, now: clock.now() }).find(
      ({ subject }) => subject === id,
    );
    const record = (["volume", "snapshot", "spot-request"] as const)
      .map((kind) => space.get(kind, id))
      .find((one) => one?.project === project);
    if (!record && decisions.length === 0)
      throw new CanopyError("not-found", `Cannot find the volume, snapshot or request '${id}'`);
    const now = found
      ? [
          { sentence: found.sentence, advice: found.advice },
          ...(isDoable(found.rule)
            ? [
                {
                  subject: found.rule,
                  sentence: `its level is '${savingLevel(space, project, found.rule)}'`,
                },
              ]
            : []),
        ]
      : record
        ? [{ sentence: "it serves somebody, as far as can be seen, or is new" }]
        : [];
    return {
      id,
      phase: record?.status.state ?? "gone",
      explanations: [...now, ...decisions.flatMap(explainedDecision)],
    };
  },
});
