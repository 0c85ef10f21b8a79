import { isDeepStrictEqual } from "node:util";
import { CanopyError } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import {
  confine,
  confinedName,
  confinedRecord,
  isCode,
  blobsOf,
  type Confinable,
  sitesOf,
  type Confinement,
  type DataRule,
} from "#/model/confinement.ts";
import { hasJobEnded, type JobRecord } from "#/model/job.ts";
import type { JobRequest, StepRequest } from "#/model/job-request.ts";
import { autonomicPolicyName, policyOf } from "#/model/policy.ts";
import { hasStepEnded, type StepRecord } from "#/model/step.ts";
import type { Space, Transaction } from "#/space/space.ts";
import { stepsOf } from "../views/jobs.ts";

/**
 * Writes down which blobs are read under rules of a project's policy. Throws what `whileOvertaken` takes up where
 * these are not the rules of before any more.
 */
export type Mark = (tx: Transaction) => void;

/** What was read before a commit was changed by another one. */
class Overtaken extends Error {}

/** Reads and commits again for as long as what was read is not what there is when it is committed. */
export async function whileOvertaken<T>(action: () => Promise<T>): Promise<T> {
  for (let times = 1; ; times++) {
    try {
      return await action();
    } catch (thrown) {
      if (!(thrown instanceof Overtaken)) throw thrown;
      if (times === limits.overtakenMax)
        throw new CanopyError(
          "unavailable",
          "Cannot do it now as rules on data, or the jobs that they bind, change all the time",
          { retryAfterMs: 1000 },
        );
    }
  }
}

/**
 * A request in which every step that reads data which may not leave some sites, or what was made of such, needs
 * these sites. Throws "infeasible" where rules leave no site for a step.
 */
export async function confinedRequest(
  space: Space,
  project: string,
  request: JobRequest,
): Promise<{ request: JobRequest; mark: Mark }> {
  const { rules, check } = dataRules(space, project);
  const marked = await marksOf(space, project, blobsOf(request.steps), rules);
  const found = confine(request, rules, marked);
  mustHaveSites(found);
  const mark = all(check, markOf(project, found));
  return { request: { ...request, steps: [...found.steps] }, mark };
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
  const { rules, check } = dataRules(space, project);
  const steps = rules.length > 0 ? await stepsOf({ space }, job) : [];
  const main = steps.find(({ name }) => name === job.spec.mainStep)?.spec.template;
  const code = main && isCode(main) ? main : undefined;
  const before = new Map(
    steps.map(({ spec }) => [spec.name, spec.template.needs.confinedBy ?? []]),
  );
  const marked = await marksOf(space, project, blobsOf([step]), rules);
  const found = confine({ steps: [step] }, rules, marked, before, code?.needs.confinedBy);
  mustHaveSites(found);
  const [bound] = found.steps as [StepRequest];
  const { sites, confinedBy } = bound.needs;
  const own = code?.needs.sites;
  if (code && confinedBy && !own?.every((site) => sites?.includes(site)))
    throw new CanopyError(
      "infeasible",
      `Cannot add the step '${step.name}' as the job's own code must run at ${sites?.join(" or ")}, like what reads ${confinedBy.join(", ")}: it may run at ${own?.join(" or ") ?? "any site"}`,
      { hint: `Submit it so: canopy run --site ${sites?.[0] ?? "SITE"} …` },
    );
  return { step: bound, mark: all(check, markOf(project, found)) };
}

/**
 * Binds the steps of a project's jobs that have not ended by new rules, and frees those that none binds any more: what waits
 * is handed out accordingly, and what runs where it may not any more is stopped and runs again.
 */
export async function confineLive(
  space: Space,
  project: string,
  rules: readonly DataRule[],
): Promise<Mark> {
  const bound = new Map<string, { steps: number; mark: Mark }>();
  /** Jobs of which not every step is bound: those of before, and those that came meanwhile. */
  const unbound = () =>
    [...space.all("job")].filter(
      (job) =>
        job.project === project &&
        !hasJobEnded(job) &&
        bound.get(job.name)?.steps !== job.status.steps,
    );
  for (let jobs = unbound(); jobs.length > 0; jobs = unbound())
    for (const job of jobs)
      bound.set(job.name, {
        steps: job.status.steps,
        mark: (await boundBy(space, job, rules)).mark,
      });
  return (tx) => {
    if (unbound().length > 0) throw new Overtaken();
    for (const { mark } of bound.values()) mark(tx);
  };
}

/** The same for a job that is to be tried again: what was set since it ended binds it, too. Throws "infeasible" as above. */
export async function confinedAgain(space: Space, job: JobRecord): Promise<Mark> {
  const { rules, check } = dataRules(space, job.project);
  const { found, mark } = await boundBy(space, job, rules);
  mustHaveSites(found);
  return all(check, mark);
}

async function boundBy(
  space: Space,
  job: JobRecord,
  rules: readonly DataRule[],
): Promise<{ found: Confinement<Confinable>; mark: Mark }> {
  const { project } = job;
  const steps = (await stepsOf({ space }, job)).map(confinableOf);
  const marked = await marksOf(space, project, blobsOf(steps), rules);
  const found = confine({ main: job.spec.mainStep, steps }, rules, marked);
  const bindAll: Mark = (tx) => {
    for (const { name, needs } of found.steps) bind(tx, name, needs);
  };
  return { found, mark: all(markOf(project, found), bindAll) };
}

function all(...marks: readonly Mark[]): Mark {
  return (tx) => marks.forEach((mark) => mark(tx));
}

/** A step as it was asked for. */
function confinableOf({ name, spec }: StepRecord): Confinable {
  const { run, inputs, needs } = spec.template;
  const { confinedBy, ownSites, sites } = needs;
  const own = confinedBy ? ownSites : sites;
  return {
    name,
    run: run as Confinable["run"],
    after: [...spec.after],
    inputs: inputs as Confinable["inputs"],
    source: spec.source.type === "lines" ? spec.source : { type: "list" },
    shuffle: spec.shuffle as Confinable["shuffle"],
    needs: { cpus: 0, memoryBytes: 0, labels: {}, ...(own && { sites: [...own] }) },
  };
}

function bind(
  tx: Transaction,
  name: string,
  { sites, confinedBy, ownSites }: StepRequest["needs"],
) {
  const step = tx.get("step", name);
  if (!step || hasStepEnded(step)) return;
  const { template } = step.spec;
  const { sites: _, confinedBy: __, ownSites: ___, ...rest } = template.needs;
  const needs = {
    ...rest,
    ...(sites && { sites }),
    ...(confinedBy && { confinedBy }),
    ...(ownSites && { ownSites }),
  };
  if (isDeepStrictEqual(needs, template.needs)) return;
  tx.put<"step">({ ...step, spec: { ...step.spec, template: { ...template, needs } } });
}

/** Where a blob may be read; undefined where no rule speaks of it. */
export async function sitesOfBlob(
  space: Space,
  project: string,
  key: string,
): Promise<readonly string[] | undefined> {
  const { rules } = dataRules(space, project);
  const marked = await marksOf(space, project, new Set([key]), rules);
  return sitesOf(rules, new Set(marked.get(key) ?? []));
}

/** The rules of now, and what says when one commits that they are no more. */
function dataRules(space: Space, project: string): { rules: readonly DataRule[]; check: Mark } {
  const name = autonomicPolicyName(project);
  const policy = space.get("policy", name);
  const check: Mark = (tx) => {
    // not by its revision: one that is removed and set anew begins at 1 again
    if (tx.get("policy", name) !== policy) throw new Overtaken();
  };
  return { rules: policyOf(policy, "autonomic")?.data ?? [], check };
}

/** By blob, the rules that it is known to be under. */
async function marksOf(
  space: Space,
  project: string,
  keys: ReadonlySet<string>,
  rules: readonly DataRule[],
): Promise<Map<string, string[]>> {
  const marks = new Map<string, string[]>();
  if (rules.length === 0 || keys.size === 0) return marks;
  const names = [...keys].flatMap((key) =>
    rules.map(({ blobs }) => confinedName(project, key, blobs)),
  );
  for (const record of await space.find("confined", names)) {
    if (!record) continue;
    const { key, rule } = record.spec;
    marks.set(key, [...(marks.get(key) ?? []), rule]);
  }
  return marks;
}

function mustHaveSites({ clash }: Pick<Confinement<Confinable>, "clash">): void {
  if (!clash) return;
  throw new CanopyError(
    "infeasible",
    `Cannot run the step '${clash.step}' as no site is left for what it reads: ${clash.rules.join(", ")} may be read at none together`,
    { hint: "See the rules: canopy policy show" },
  );
}

function markOf(project: string, { marks }: Pick<Confinement<Confinable>, "marks">): Mark {
  return (tx) => {
    for (const [key, rules] of marks)
      for (const rule of rules) tx.archive<"confined">(confinedRecord(project, key, rule));
  };
}
