import { CanopyError } from "#/base/errors.ts";
import {
  confine,
  confinedName,
  confinedRecord,
  isCode,
  objectsOf,
  sitesOf,
  type Confinement,
  type DataRule,
} from "#/model/confinement.ts";
import type { JobRecord } from "#/model/job.ts";
import type { JobRequest, StepRequest } from "#/model/job-request.ts";
import { autonomicPolicyName, policyOf } from "#/model/policy.ts";
import type { Space, Transaction } from "#/space/space.ts";
import { stepsOf } from "../views/jobs.ts";

/** Writes down which objects are read under rules of a project's policy. */
export type Mark = (tx: Transaction) => void;

/**
 * A request in which every step that reads data which may not leave some sites, or what was made of such, needs
 * these sites. Throws "infeasible" where rules leave no site for a step.
 */
export async function confinedRequest(
  space: Space,
  project: string,
  request: JobRequest,
): Promise<{ request: JobRequest; mark: Mark }> {
  const rules = dataRules(space, project);
  const marked = await marksOf(space, project, objectsOf(request), rules);
  const found = confine(request, rules, marked);
  mustHaveSites(found);
  return { request: found.request, mark: markOf(project, found) };
}

/**
 * The same for a step that is added to a job. Where the job's own code reads what comes of its steps, that code must
 * run at those sites, too: throws "infeasible" where it may run elsewhere.
 */
export async function confinedStep(
  space: Space,
  job: JobRecord,
  step: StepRequest,
): Promise<{ step: StepRequest; mark: Mark }> {
  const { project } = job;
  const rules = dataRules(space, project);
  const steps = rules.length > 0 ? await stepsOf({ space }, job) : [];
  const main = steps.find(({ name }) => name === job.spec.mainStep)?.spec.template;
  const code = main && isCode(main) ? main : undefined;
  const before = new Map(
    steps.map(({ spec }) => [spec.name, spec.template.needs.confinedBy ?? []]),
  );
  const request: JobRequest = {
    title: step.name,
    priority: 0,
    onFailure: "stop",
    open: false,
    steps: [step],
  };
  const marked = await marksOf(space, project, objectsOf(request), rules);
  const found = confine(request, rules, marked, before, code?.needs.confinedBy);
  mustHaveSites(found);
  const [bound] = found.request.steps as [StepRequest];
  const { sites, confinedBy } = bound.needs;
  const own = code?.needs.sites;
  if (code && confinedBy && !own?.every((site) => sites?.includes(site)))
    throw new CanopyError(
      "infeasible",
      `Cannot add the step '${step.name}' as the job's own code must run at ${sites?.join(" or ")}, like what reads ${confinedBy.join(", ")}: it may run at ${own?.join(" or ") ?? "any site"}`,
      { hint: `Submit it so: canopy run --site ${sites?.[0] ?? "SITE"} …` },
    );
  return { step: bound, mark: markOf(project, found) };
}

/** Where an object may be read; undefined where no rule speaks of it. */
export async function sitesOfObject(
  space: Space,
  project: string,
  key: string,
): Promise<readonly string[] | undefined> {
  const rules = dataRules(space, project);
  const marked = await marksOf(space, project, new Set([key]), rules);
  return sitesOf(rules, new Set(marked.get(key) ?? []));
}

function dataRules(space: Space, project: string): readonly DataRule[] {
  return policyOf(space.get("policy", autonomicPolicyName(project)), "autonomic")?.data ?? [];
}

/** By object, the rules that it is known to be under. */
async function marksOf(
  space: Space,
  project: string,
  keys: ReadonlySet<string>,
  rules: readonly DataRule[],
): Promise<Map<string, string[]>> {
  const marks = new Map<string, string[]>();
  if (rules.length === 0 || keys.size === 0) return marks;
  const names = [...keys].flatMap((key) =>
    rules.map(({ objects }) => confinedName(project, key, objects)),
  );
  for (const record of await space.find("confined", names)) {
    if (!record) continue;
    const { key, rule } = record.spec;
    marks.set(key, [...(marks.get(key) ?? []), rule]);
  }
  return marks;
}

function mustHaveSites({ clash }: Confinement): void {
  if (!clash) return;
  throw new CanopyError(
    "infeasible",
    `Cannot run the step '${clash.step}' as no site is left for what it reads: ${clash.rules.join(", ")} may be read at none together`,
    { hint: "See the rules: canopy policy show" },
  );
}

function markOf(project: string, { marks }: Confinement): Mark {
  return (tx) => {
    for (const [key, rules] of marks)
      for (const rule of rules) tx.archive<"confined">(confinedRecord(project, key, rule));
  };
}
