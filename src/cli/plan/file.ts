import { resolve } from "node:path";
import { z } from "zod";
import { CanopyError, messageOf } from "#/base/errors.ts";
import { planDigest } from "#/model/plan-digest.ts";
import { planInput, planView, type PlanInput, type PlanView } from "#/model/plan-views.ts";
import type { Terminal } from "../terminal.ts";
import type { Sources } from "./sources.ts";

/** A plan as it is kept in a file: what was planned, what of, and what for. */
export interface PlanFile {
  canopy: "plan 1";
  plan: PlanView;
  /** What was asked for: the same, asked again, is the plan of that moment. */
  input: PlanInput;
  sources: Sources;
}

const planFile = z.object({
  canopy: z.literal("plan 1"),
  plan: planView,
  input: planInput,
  sources: z.record(z.string(), z.string()),
});

export async function writePlanFile(
  file: string,
  content: Omit<PlanFile, "canopy">,
  { files, folder }: Pick<Terminal["world"], "files" | "folder">,
): Promise<void> {
  const whole: PlanFile = { canopy: "plan 1", ...content };
  await files.write(resolve(folder, file), `${JSON.stringify(whole, undefined, 2)}\n`);
}

/** Whether a file says of itself that it holds a plan. */
export function isPlanFile(text: string): boolean {
  return /^\s*\{\s*"canopy":\s*"plan \d+"/.test(text);
}

/** Reads a plan that was kept. Throws "not-found", "invalid", and "conflict" where it was changed by hand. */
export async function readPlanFile(
  file: string,
  { files, folder }: Pick<Terminal["world"], "files" | "folder">,
): Promise<PlanFile> {
  const bytes = await files.read(resolve(folder, file));
  if (!bytes)
    throw new CanopyError("not-found", `Cannot read ${file} as there is no such file`, {
      hint: `Make one: canopy plan job.ts --deadline 20m -o ${file}`,
    });
  const content = parsed(Buffer.from(bytes).toString(), file);
  if (planDigest(content.plan) === content.plan.digest) return content;
  throw new CanopyError(
    "conflict",
    `Cannot use the plan in ${file} as it must be what was planned: it was changed`,
    { hint: "Plan it again: canopy plan" },
  );
}

function parsed(text: string, file: string): PlanFile {
  try {
    return planFile.parse(JSON.parse(text)) as PlanFile;
  } catch (thrown) {
    const why = thrown instanceof z.ZodError ? z.prettifyError(thrown) : messageOf(thrown);
    throw new CanopyError(
      "invalid",
      `Cannot read ${file} as it must be a plan that canopy plan -o wrote: ${why}`,
      { hint: "Make one: canopy plan job.ts --deadline 20m -o p.json" },
    );
  }
}
