import { z } from "zod";
import { includesRole } from "#/access/roles.ts";
import { limits } from "#/base/limits.ts";
import { billedSince } from "#/autonomic/fleet/bill.ts";
import { spentMicrosOf } from "#/instances/spent.ts";
import type { InstanceRecord } from "#/model/instance.ts";
import type { JobRecord } from "#/model/job.ts";
import { isFleetOrder, type OrderRecord } from "#/model/order.ts";
import { projectCostView } from "#/model/energy-views.ts";
import { formatMicros } from "#/model/units.ts";
import { addUsage, noUsage } from "#/model/usage.ts";
import { defineCall } from "../call.ts";
import { projectParams } from "../params.ts";
import type { DoorParts } from "../parts.ts";
import { findProject } from "../views/access.ts";
import { foldJob, stepsOf } from "../views/jobs.ts";
import { instantOf } from "../views/time.ts";

const dayMs = 24 * 60 * 60_000;

export const costOfProject = defineCall({
  summary: "What a project has cost",
  description:
    "Money, energy and CO2 of all its jobs that were submitted in the last time, 30 days when absent, those in the archive too, with the machines that were bought for them; and what the machines that its jobs share were billed in that time. For all but root, their own only.",
  isForAny: true,
  tag: "access",
  role: "viewer",
  params: projectParams,
  query: z.object({
    lastMs: z.coerce
      .number()
      .int()
      .min(1)
      .max(366 * dayMs)
      .default(30 * dayMs),
  }),
  answer: projectCostView,
  errors: ["not-found"],
  async run({ parts, caller, params, query }) {
    const isOwn = params.name === caller.project;
    const { name } = findProject(
      (wanted) =>
        isOwn || includesRole(caller.role, "root") ? parts.space.get("project", wanted) : undefined,
      params.name,
    );
    const since = parts.clock.now() - query.lastMs;
    const { jobs, isCutShort } = await jobsSince(parts, name, since);
    let usage = noUsage;
    for (const job of jobs)
      usage = addUsage(usage, foldJob(parts, job, await stepsOf(parts, job)).usage);
    const first = jobs.reduce((least, { spec }) => Math.min(least, spec.submittedAt), Infinity);
    return {
      project: name,
      since: instantOf(isCutShort ? first : since),
      jobs: jobs.length,
      currency: parts.currency,
      spent: usage.costMicros === undefined ? undefined : formatMicros(usage.costMicros),
      instances: await instanceBill(parts, name, isCutShort ? first : since),
      fleet: await fleetBill(parts, name, isCutShort ? first : since),
      energyJoules: usage.energyJoules,
      grams: usage.grams,
      usage,
      isCutShort,
    };
  },
});

/** Those that were launched since then, also those that have ended; undefined for none. */
async function instanceBill(
  { space, clock }: Pick<DoorParts, "space" | "clock">,
  project: string,
  since: number,
): Promise<{ count: number; spent: string } | undefined> {
  const isIn = ({ spec, project: of }: InstanceRecord) =>
    of === project && spec.launchedAt >= since;
  const found = new Map<string, InstanceRecord>();
  let before: string | undefined;
  for (let looked = 0; looked < limits.costJobsMax; looked += limits.pageMax) {
    const limit = limits.pageMax;
    const page = await space.archived("instance", {
      project,
      limit,
      ...(before !== undefined && { before }),
    });
    for (const one of page.filter(isIn)) found.set(one.name, one);
    before = page.at(-1)?.name;
    if (page.length < limit) break;
  }
  for (const one of space.all("instance")) if (isIn(one)) found.set(one.name, one);
  if (found.size === 0) return undefined;
  const now = clock.now();
  const micros = [...found.values()].reduce((sum, one) => sum + spentMicrosOf(one, now), 0);
  return { count: found.size, spent: formatMicros(micros) };
}

/** What a project's shared machines were billed since then. */
async function fleetBill(
  { space, clock }: Pick<DoorParts, "space" | "clock">,
  project: string,
  since: number,
): Promise<string | undefined> {
  const orders = new Map<string, OrderRecord>();
  let before: string | undefined;
  while (orders.size < limits.costJobsMax) {
    const limit = limits.pageMax;
    const page = await space.archived("order", {
      project,
      limit,
      ...(before !== undefined && { before }),
    });
    for (const order of page) orders.set(order.name, order);
    before = page.at(-1)?.name;
    if (page.length < limit) break;
  }
  for (const order of space.all("order"))
    if (order.project === project) orders.set(order.name, order);
  const fleet = [...orders.values()].filter(isFleetOrder);
  if (fleet.length === 0) return undefined;
  const micros = billedSince(fleet, since, clock.now());
  return micros === undefined ? undefined : formatMicros(micros);
}

/** The newest first, live and archived, as many as are summed. */
async function jobsSince(
  { space }: Pick<DoorParts, "space">,
  project: string,
  since: number,
): Promise<{ jobs: JobRecord[]; isCutShort: boolean }> {
  const isIn = (job: JobRecord) => job.project === project && job.spec.submittedAt >= since;
  const found = new Map([...space.list("job")].filter(isIn).map((job) => [job.name, job]));
  let before: string | undefined;
  while (found.size <= limits.costJobsMax) {
    const page = await space.archived("job", {
      project,
      limit: limits.pageMax,
      ...(before !== undefined && { before }),
    });
    for (const job of page.filter(isIn)) if (!found.has(job.name)) found.set(job.name, job);
    before = page.at(-1)?.name;
    // names begin with the time at which jobs were submitted
    if (page.length < limits.pageMax || !isIn(page.at(-1)!)) break;
  }
  const jobs = [...found.values()].toSorted((a, b) => b.spec.submittedAt - a.spec.submittedAt);
  return { jobs: jobs.slice(0, limits.costJobsMax), isCutShort: jobs.length > limits.costJobsMax };
}
