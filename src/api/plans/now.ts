import { demandOfRequest, type Told, type Unknown } from "#/autonomic/demand.ts";
import type { Demand } from "#/autonomic/step-demand.ts";
import { pastOf } from "#/autonomic/past.ts";
import { rulesOf, type Rules } from "#/autonomic/rules.ts";
import { CanopyError } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import { countLines } from "#/jobs/sources.ts";
import type { JobRequest } from "#/model/job-request.ts";
import { autonomicPolicyName, policyOf } from "#/model/policy.ts";
import type { Blobs } from "#/blobs/blobs.ts";
import type { Space } from "#/space/space.ts";
import type { DoorParts } from "../parts.ts";

/** What a request would run, by all that is known now. Throws "infeasible" where too little is. */
export async function demandNow(
  { space, blobs, knowledge }: Pick<DoorParts, "space" | "blobs" | "knowledge">,
  project: string,
  request: JobRequest,
  told: Told,
): Promise<Demand> {
  return known(await foundDemand({ space, blobs, knowledge }, project, request, told));
}

/** The same, undefined where too little is known. */
export async function demandIfKnown(
  parts: Pick<DoorParts, "space" | "blobs" | "knowledge">,
  project: string,
  request: JobRequest,
): Promise<Demand | undefined> {
  const found = await foundDemand(parts, project, request, {});
  return "kinds" in found ? found : undefined;
}

async function foundDemand(
  { space, blobs, knowledge }: Pick<DoorParts, "space" | "blobs" | "knowledge">,
  project: string,
  request: JobRequest,
  told: Told,
): Promise<Demand | Unknown> {
  const past = await pastOf(space, project, request.title);
  const lines = await countedLines(blobs, project, request);
  return demandOfRequest(request, { past, seen: knowledge.seen(project), told, lines });
}

/** What a project's policy lets Canopy do now. */
export function rulesNow(space: Space, project: string): Promise<Rules> {
  return rulesOf(policyOf(space.get("policy", autonomicPolicyName(project)), "autonomic"));
}

/** Lines of the files that steps take their tasks from, by blob; those of huge ones are not counted. */
async function countedLines(
  blobs: Blobs,
  project: string,
  { steps }: JobRequest,
): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  for (const { source } of steps) {
    if (source.type !== "lines" || counts.has(source.blob)) continue;
    const found = await blobs.get(project, source.blob);
    if (found && found.sizeBytes <= limits.linesCountedBytesMax)
      counts.set(source.blob, await countLines(found.content));
  }
  return counts;
}

function known(demand: Demand | Unknown): Demand {
  if ("kinds" in demand) return demand;
  const { kind, unknown } = demand;
  const what = unknown === "tasks" ? "how many tasks it makes" : "how long its tasks take";
  throw new CanopyError(
    "infeasible",
    `Cannot promise anything of '${kind}' as nothing is known of ${what}`,
    {
      hint:
        unknown === "tasks"
          ? "Say it: --expect 200x30s (200 tasks of 30 s), or run it once without a plan"
          : "Say it: --expect 30s, or run it once without a plan",
    },
  );
}
