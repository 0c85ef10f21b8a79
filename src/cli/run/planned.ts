import { CanopyError } from "#/base/errors.ts";
import type { JobRequestInput } from "#/model/job-request.ts";
import type { PlanInput, PlanView } from "#/model/plan-views.ts";
import { parseDuration } from "#/model/units.ts";
import type { JobView } from "#/model/views.ts";
import type { Client } from "#/sdk/client.ts";
import { planText } from "../plan/text.ts";
import type { Terminal } from "../terminal.ts";
import type { RunOptions } from "./options.ts";

/** Whether the options ask for a promise, and so for a plan. */
export function isPlanned({ deadline, budget, objective }: RunOptions): boolean {
  return deadline !== undefined || budget !== undefined || objective !== undefined;
}

/** What is to be planned: the job with its goal, and what was said of its work. */
export function inputOf(
  request: JobRequestInput,
  { deadline, budget, objective, expect }: RunOptions,
): PlanInput {
  const goal = {
    ...(deadline !== undefined && { deadlineMs: deadline }),
    ...(budget !== undefined && { budget }),
    ...(objective !== undefined && { objective }),
  };
  return { request, goal, told: toldOf(expect) } as PlanInput;
}

/**
 * Shows a plan and lets a person say yes, no, or ask for details. Undefined when they said no. Without a
 * person to ask, throws "invalid" that names the flag.
 */
export async function approved(
  client: Client,
  plan: PlanView,
  { canAsk, ask, err }: Terminal,
  yes: boolean | undefined,
): Promise<JobView | undefined> {
  err.write(planText(plan, err, false));
  if (yes) return client.approvePlan(plan.id);
  if (!canAsk) {
    throw new CanopyError(
      "invalid",
      `Cannot ask whether to go on with the plan ${plan.id}, as nobody is at a terminal`,
      {
        hint: `Say so with --yes, or approve it within ten minutes: canopy approve ${plan.id}`,
      },
    );
  }
  for (;;) {
    const answer = (await ask("Go on? (yes / no / details) ")).trim().toLowerCase();
    if (["yes", "y"].includes(answer)) return client.approvePlan(plan.id);
    if (["details", "d"].includes(answer)) err.write(planText(plan, err, true));
    if (!["no", "n", ""].includes(answer)) continue;
    await client.declinePlan(plan.id);
    return undefined;
  }
}

/** "30s", or "200x30s": so many tasks, each so long. */
function toldOf(word: string | undefined): { tasks?: number; taskMs?: number } {
  if (word === undefined) return {};
  const [, tasks, time] = /^(?:(\d+)\s*[x×]\s*)?(\S+)$/.exec(word.trim()) ?? [];
  if (time === undefined) throw unreadable(word);
  if (tasks === undefined && /^\d+$/.test(time)) throw unreadable(word);
  return { taskMs: parseDuration(time), ...(tasks !== undefined && { tasks: Number(tasks) }) };
}

function unreadable(word: string): CanopyError {
  return new CanopyError(
    "invalid",
    `Cannot read --expect as it must be a run time, or tasks and their run time: current value is '${word}'`,
    {
      hint: "Write it like 30s, or 200x30s",
    },
  );
}
