import { subjectOf } from "#/autonomic/decide.ts";
import { limits } from "#/base/limits.ts";
import { autonomicPolicyName, policyOf, type AutonomicPolicy } from "#/model/policy.ts";
import { whyView, type ExplanationView } from "#/model/views.ts";
import { defineCall } from "../call.ts";
import { inProject } from "../params.ts";
import { rulesNow } from "../plans/now.ts";
import { explainedDecision } from "../views/decisions.ts";

export const whyPolicy = defineCall({
  summary: "Explain what the policy does",
  description:
    "How far Canopy decides by itself, which offers of this moment the policy keeps out, and what was decided lately under it.",
  tag: "plans",
  role: "viewer",
  query: inProject,
  answer: whyView,
  async run({ parts, project }) {
    const { space, sites, zones, clock } = parts;
    const policy = policyOf(space.get("policy", autonomicPolicyName(project)), "autonomic");
    const rules = await rulesNow(space, project);
    const now = clock.now();
    const barred = sites.offers().flatMap((offer): ExplanationView[] => {
      const why = rules.allowed(zones.known(offer, now, now), "", now);
      return why === undefined
        ? []
        : [
            {
              subject: `${offer.site} ${offer.name}`,
              sentence: `it is kept out: ${why}`,
              flip: "the statement changed: canopy policy set",
            },
          ];
    });
    const decisions = await space.archived("decision", { project, limit: limits.pageMax });
    const newest = decisions
      .toSorted((a, b) => b.spec.at - a.spec.at)
      .slice(0, limits.decisionsShown);
    return {
      id: `${project}/policy`,
      phase: policy ? "set" : "absent",
      explanations: [
        ...levelsOf(policy),
        ...barred,
        ...newest.map((one) => ({
          subject: subjectOf(one.name),
          ...explainedDecision(one)[0]!,
        })),
      ],
    };
  },
});

const meanings = {
  manual: "leaves that to people, and says nothing",
  observe: "writes down that it is needed, and does nothing",
  advise: "says what it would do, and does nothing",
  approve: "makes a plan of it, which waits for canopy approve",
  act: "does it, and writes down why",
};

function levelsOf(policy: AutonomicPolicy | undefined): ExplanationView[] {
  if (!policy)
    return [
      {
        sentence:
          "there is none: every offer may be taken, and Canopy does by itself what keeps a goal",
        advice: "canopy policy set policy.yaml",
      },
    ];
  return Object.entries({ ...policy.autonomy, ...policy.savings }).map(([action, level]) => ({
    subject: action,
    sentence: `its level is '${level}': Canopy ${meanings[level]}`,
  }));
}
