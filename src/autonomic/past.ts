import { limits } from "#/base/limits.ts";
import type { JobRecord } from "#/model/job.ts";
import type { PlannedGang } from "#/model/plan.ts";
import type { Needs } from "#/model/needs.ts";
import type { StepRecord } from "#/model/step.ts";
import type { Space } from "#/space/space.ts";
import { Retries } from "./again.ts";
import { gangOf } from "./step-demand.ts";

/** What a job of this title made and ran the last time it succeeded. */
export interface Past {
  readonly job: string;
  /** By title of their steps. */
  readonly kinds: ReadonlyMap<string, PastKind>;
  /** The longest chain of tasks of which each began after the one before it had ended. */
  readonly chainMs: number;
}

export interface PastKind {
  readonly title: string;
  readonly tasks: number;
  readonly needs: Needs;
  readonly driver: string;
  readonly gang?: PlannedGang;
  /** The share of attempts that failed and were tried again, as it is to be expected. */
  readonly retried: number;
  /** What each of its tasks made, in bytes of files and results. */
  readonly madeBytes: number;
  /** Of one task. */
  readonly meanMs: number;
}

type Reading = Pick<Space, "list" | "find" | "archived">;

/** The newest job of a title that has succeeded, among the last ones of its project; undefined where there is none. */
export async function pastOf(
  space: Reading,
  project: string,
  title: string,
): Promise<Past | undefined> {
  const isLike = (job: JobRecord) =>
    job.project === project && job.spec.title === title && job.status.phase === "succeeded";
  const archived = await space.archived("job", {
    project,
    phase: "succeeded",
    limit: limits.pastJobsMax,
  });
  const newest = [...space.list("job"), ...archived]
    .filter(isLike)
    .reduce<JobRecord | undefined>(
      (best, job) => (best && best.name > job.name ? best : job),
      undefined,
    );
  if (!newest) return undefined;
  const count = Math.min(newest.status.steps, limits.pastStepsMax);
  const names = Array.from({ length: count }, (_, number) => `${newest.name}/${number}`);
  const steps = (await space.find("step", names)).filter((step) => step !== undefined);
  return { job: newest.name, ...fold(steps) };
}

function fold(steps: readonly StepRecord[]): Omit<Past, "job"> {
  const kinds = new Map<string, PastKind>();
  const retries = new Map<string, Retries>();
  const ran: Ran[] = [];
  for (const { spec, status } of steps) {
    const { run, needs } = spec.template;
    if (run.driver === "runner" && run.role === "job") continue; // it waits for the others
    const { attempts, wallMs } = status.usage;
    if (attempts === 0) continue;
    const meanMs = wallMs / attempts;
    const before = kinds.get(spec.title);
    const tasks = (before?.tasks ?? 0) + status.offered;
    const mean = before ? (before.meanMs * before.tasks + meanMs * status.offered) / tasks : meanMs;
    const gang = spec.gang ? gangOf(spec.gang, status.offered) : before?.gang;
    const retried = retries.get(spec.title) ?? new Retries();
    retries.set(spec.title, retried);
    retried.add(status);
    const like = {
      needs,
      driver: run.driver,
      ...(gang && { gang }),
      retried: retried.share(),
      madeBytes: Math.max(before?.madeBytes ?? 0, status.usage.writtenBytes / attempts),
    };
    kinds.set(spec.title, { title: spec.title, tasks, ...like, meanMs: mean });
    if (status.startedAt !== undefined && status.endedAt !== undefined)
      ran.push({ fromMs: status.startedAt, toMs: status.endedAt, taskMs: meanMs });
  }
  return { kinds, chainMs: chainOf(ran) };
}

interface Ran {
  fromMs: number;
  toMs: number;
  taskMs: number;
}

function chainOf(ran: readonly Ran[]): number {
  const byEnd = ran.toSorted((a, b) => a.toMs - b.toMs);
  const chains = new Map<Ran, number>();
  let longestMs = 0;
  let endedMs = 0;
  let at = 0;
  for (const step of ran.toSorted((a, b) => a.fromMs - b.fromMs)) {
    // What ended before this one began had begun before it, so its chain is known.
    for (; at < byEnd.length && byEnd[at]!.toMs <= step.fromMs; at++)
      endedMs = Math.max(endedMs, chains.get(byEnd[at]!) ?? 0);
    const chainMs = endedMs + step.taskMs;
    chains.set(step, chainMs);
    longestMs = Math.max(longestMs, chainMs);
  }
  return longestMs;
}
