import { limits } from "#/base/limits.ts";
import { choicesOf, choose, type Candidate } from "#/chaos/choose.ts";
import { allowedTargets, requirePolicy } from "#/chaos/game-days.ts";
import { situationOf } from "#/chaos/situation.ts";
import { chaosPreview, gameDayInput } from "#/model/chaos-views.ts";
import { seedMax } from "#/model/game-day.ts";
import { defineCall } from "../call.ts";
import { inProject } from "../params.ts";

export const previewGameDay = defineCall({
  summary: "Ask what a game day would hit now",
  description:
    "What may be hit at this moment, what is kept out and why, and the hit that the seed would draw first. Nothing is hit and nothing is recorded.",
  tag: "chaos",
  role: "viewer",
  query: inProject,
  body: gameDayInput.pick({ targets: true, seed: true }),
  answer: chaosPreview,
  async run({ parts, project, body }) {
    const { space, scheduler, clock, random } = parts;
    const policy = requirePolicy(space, project, "look at what would be hit");
    const targets = allowedTargets(policy, body.targets);
    const now = clock.now();
    const situation = situationOf(space, scheduler, now);
    const progress = { project, hits: 0, lastAt: undefined };
    const choices = choicesOf(policy.spec, situation, progress, targets);
    const { seed = Math.floor(random.fraction() * seedMax) } = body;
    const first = choose(policy.spec, choices, progress, { seed, number: 0, now });
    const { candidates, keptOut, refusal } = choices;
    return {
      refusal,
      first: refusal === undefined ? first : undefined,
      candidates: candidates.slice(0, limits.pageMax).map(candidateOf),
      candidateCount: candidates.length,
      keptOut: keptOut.slice(0, limits.pageMax),
      keptOutCount: keptOut.length,
    };
  },
});

function candidateOf(candidate: Candidate) {
  const { target, subject } = candidate;
  const machine = candidate.target === "task" ? candidate.task.machine : candidate.machine.name;
  return { target, subject, machine };
}
