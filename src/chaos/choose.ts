import { limits } from "#/base/limits.ts";
import type { ChaosTarget, HitSpec } from "#/model/game-day.ts";
import type { ChaosPolicy } from "#/model/policy.ts";
import { whyNotMachine, whyNotNow, whyNotTask, type Progress } from "./bounds.ts";
import { dice, drawn } from "./dice.ts";
import type { MachineThere, Situation, TaskUnderWay } from "./situation.ts";

/** What may be hit at this moment, and what not and why. */
export interface Choices {
  candidates: Candidate[];
  keptOut: { target: ChaosTarget; subject: string; why: string }[];
  /** Why nothing may, whatever there is. */
  refusal: string | undefined;
}

export type Candidate =
  | { target: "task"; subject: string; task: TaskUnderWay }
  | { target: "agent" | "machine"; subject: string; machine: MachineThere };

/** Looks at all that there is, in an order that follows from names alone. */
export function choicesOf(
  policy: ChaosPolicy,
  situation: Situation,
  progress: Progress,
  asked: readonly ChaosTarget[],
): Choices {
  const refusal = whyNotNow(policy, situation, progress);
  const candidates: Candidate[] = [];
  const keptOut: Choices["keptOut"] = [];
  const consider = (candidate: Candidate, why: string | undefined) => {
    const { target, subject } = candidate;
    if (why === undefined) candidates.push(candidate);
    else keptOut.push({ target, subject, why });
  };
  const { project } = progress;
  const targets = policy.targets.filter((target) => asked.includes(target));
  const machines = [...situation.machines].sort((a, b) => compare(a.name, b.name));
  for (const machine of machines) {
    if (targets.includes("task")) {
      for (const task of [...machine.tasks].sort((a, b) => compare(a.task, b.task))) {
        const why = whyNotTask(policy, situation, project, task);
        // that there are others is no business of this project
        if (task.project === project) consider({ target: "task", subject: task.task, task }, why);
      }
    }
    for (const target of ["agent", "machine"] as const) {
      if (!targets.includes(target)) continue;
      const why = whyNotMachine(policy, situation, project, { machine, target });
      consider({ target, subject: machine.name, machine }, why);
    }
  }
  return { candidates, keptOut, refusal };
}

export interface Draw {
  seed: number;
  /** The number of the hit. */
  number: number;
}

/** The decision: which kind first, so that a thousand tasks do not hide a machine, then which of that kind. */
export function choose(
  policy: ChaosPolicy,
  { candidates }: Choices,
  progress: Progress,
  { seed, number, now }: Draw & { now: number },
): HitSpec | undefined {
  if (candidates.length === 0) return undefined;
  const targets = [...new Set(candidates.map(({ target }) => target))].sort();
  const target = drawn(targets, dice(seed, number, 0));
  const ofTarget = candidates.filter((candidate) => candidate.target === target);
  const chosen = drawn(ofTarget, dice(seed, number, 1));
  const { subject } = chosen;
  const machine = chosen.target === "task" ? chosen.task.machine : chosen.machine.name;
  const tasks = chosen.target === "task" ? [chosen.task] : begunFirst(chosen.machine.tasks);
  const nouns =
    ofTarget.length === 1 ? `the only ${target}` : `one of ${ofTarget.length} ${target}s`;
  const why =
    `${nouns} that the policy of '${progress.project}' lets be hit, drawn by the seed ${seed}; ` +
    `hit ${number + 1} of at most ${policy.hitsMax}, at most ${policy.hitsAtOnceMax} open at once`;
  return {
    target,
    subject,
    machine,
    at: now,
    why,
    victims: tasks
      .slice(0, limits.hitVictimsMax)
      .map(({ task, fence, since, milliCpus }) => ({ task, fence, since, milliCpus })),
    victimCount: tasks.length,
    ...(target === "machine" && { awayMs: policy.awayMs }),
  };
}

function begunFirst(tasks: readonly TaskUnderWay[]): TaskUnderWay[] {
  return [...tasks].sort((a, b) => Number(a.isAhead) - Number(b.isAhead));
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
