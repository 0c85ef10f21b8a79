import { CanopyError } from "#/base/errors.ts";
import type { StepRequest } from "#/model/job-request.ts";
import type { StepRecord } from "#/model/step.ts";
import type { Blobs } from "#/blobs/blobs.ts";
import type { Scheduler } from "#/scheduler/scheduler.ts";
import type { Space } from "#/space/space.ts";
import type { Purchasable } from "./purchasable.ts";

/** Throws "infeasible", naming what comes nearest, when no machine there is, or that would be bought, could ever run the step. */
export function requireFit(
  { scheduler, space }: { scheduler: Scheduler; space: Space },
  step: StepRecord | undefined,
  purchasable?: Purchasable,
): void {
  if (!step || !hasGreeted(space)) return;
  const misfit = scheduler.fit(step);
  if (!misfit || purchasable?.(step)) return;
  const bought = purchasable ? ", and nothing that may be bought can run it" : "";
  throw new CanopyError(
    "infeasible",
    `Cannot run the step '${step.spec.name}': ${misfit.sentence}${bought}`,
    {
      hint: misfit.nearest
        ? `The machine that comes nearest is '${misfit.nearest}': canopy machines show ${misfit.nearest}`
        : "Let a machine join: canopy join",
    },
  );
}

/** A machine that has joined is not known before its agent has said hello; while none has, nobody can say what there is. */
function hasGreeted(space: Space): boolean {
  for (const { status } of space.list("machine")) if (status.drivers.length > 0) return true;
  return false;
}

/** Throws "not-found" when a step names a blob that its project does not have. */
export async function requireBlobs(
  blobs: Blobs,
  project: string,
  steps: readonly StepRequest[],
): Promise<void> {
  const wanted = new Map<string, string>();
  for (const { name, run, source, inputs } of steps) {
    if (run.driver === "runner") wanted.set(run.module, `the module of the step '${name}'`);
    if (source.type === "lines") wanted.set(source.blob, `the lines of the step '${name}'`);
    for (const { path, from } of inputs)
      if ("blob" in from) wanted.set(from.blob, `the input '${path}' of the step '${name}'`);
  }
  for (const [key, what] of wanted) {
    if (await blobs.stat(project, key)) continue;
    throw new CanopyError(
      "not-found",
      `Cannot find the blob ${key}, ${what}, in the project '${project}'`,
      {
        hint: "Put it first: POST /v1/blobs",
      },
    );
  }
}
