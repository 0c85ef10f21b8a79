import { limits } from "#/base/limits.ts";
import { briefDuration, briefSize } from "#/model/units.ts";
import { formatCpus } from "./amounts.ts";
import type { Board } from "./board.ts";
import type { Explanation } from "./explanation.ts";
import {
  isEntitled,
  keptOf,
  poolOf,
  quotaSlots,
  resources,
  type Account,
  type Resource,
} from "./quota.ts";
import { planReclaim } from "./reclaim-plan.ts";
import type { StepState } from "./state.ts";

const namesMax = 3;

/** Why no more tasks of a step may be under way, whatever the machines; none when more may. */
export function quotaReasons(board: Board, step: StepState): Explanation[] {
  const { account, name: subject, class: needs } = step;
  if (quotaSlots(step, true) >= step.atOnce) return [];
  const whoNeeds = step.atOnce > 1 ? `its ${step.atOnce} tasks need` : "the task needs";
  const found: Explanation[] = [];
  for (const resource of resources) {
    const need = needs[resource] * step.atOnce;
    const { [resource]: quota } = account.quota;
    if (need === 0 || quota === Infinity) continue;
    const used = account.used[resource];
    const ceiling = account.ceiling[resource];
    const pool = account.cohort && poolOf(account.cohort, resource);
    const most = Math.min(ceiling, pool?.quota ?? ceiling);
    const uses = `project ${account.project} uses ${partOf(used, quota, resource)}`;
    if (need > most) {
      found.push({
        subject,
        flip: `a quota of ${amount(need, resource)} or more, or tasks that ask for ${amount(most, resource)} or less`,
        sentence: `it never fits the quota: ${whoNeeds} ${amount(need, resource)}, and project ${account.project} may use ${amount(most, resource)} at most`,
        advice: `ask for less, or canopy project set ${account.project} --quota AMOUNT`,
      });
    } else if (used + need > ceiling) {
      const most =
        account.cohort && ceiling > quota
          ? `, ${amount(ceiling - quota, resource)} more of cohort ${account.cohort.name} at most,`
          : "";
      found.push({
        subject,
        flip: `${amount(used + need - ceiling, resource)} more of quota, or as much of what it uses ended`,
        sentence: `waits for quota: ${uses}${most} and ${whoNeeds} ${amount(need, resource)}, until a task of that project ends`,
        advice: `wait, or canopy project set ${account.project} --quota AMOUNT`,
      });
    } else if (pool && pool.used + need > pool.quota) {
      const cohort = account.cohort!;
      found.push({
        subject,
        flip: `${amount(pool.used + need - pool.quota, resource)} more of quota in the cohort, or as much of what it uses ended`,
        sentence: `waits for quota: ${uses} and cohort ${cohort.name} lends no more (it uses ${partOf(pool.used, pool.quota, resource)}), until a task of ${namesOf(cohort.members, resource)} ends`,
        advice: `wait, or canopy project set ${account.project} --quota AMOUNT`,
      });
    }
  }
  if (found.length === 0) found.push(...keptReasons(step));
  if (found.length > 0) found.push(...takeBack(board, step));
  return found;
}

/** What would be free is kept for someone who waits for longer. */
function keptReasons({ account, name: subject }: StepState): Explanation[] {
  for (const member of account.circle) {
    const kept = keptOf(member);
    if (kept)
      return [
        {
          subject,
          sentence: `waits for quota: what is free is kept for a larger task of ${kept.name} that smaller ones had been passing by`,
        },
      ];
  }
  return [];
}

/** Whom it may take the place of, and when it will. */
function takeBack(board: Board, step: StepState): Explanation[] {
  const nowMs = board.clock.monotonicMs();
  const plan = planReclaim(board, step, nowMs);
  if (!plan || plan.victims.length === 0) return [];
  const { victims } = plan;
  const projects = new Set(victims.map((lease) => lease.step.account.project));
  const isLent = isEntitled(step) && [...projects].some((name) => name !== step.account.project);
  const leftMs = Math.max(0, limits.reclaimMs - (nowMs - step.waitsSinceMs));
  return [
    {
      subject: step.name,
      sentence: `${isLent ? "its quota is lent out" : "its priority is higher"}: it takes the place of ${victims.length} of the tasks of ${listOf([...projects])} within ${briefDuration(leftMs)}, sooner when they lose less by that than it loses by waiting`,
    },
  ];
}

function namesOf(members: Iterable<Account>, resource: Resource): string {
  const using = [...members].filter(({ used }) => used[resource] > 0);
  return `project ${listOf(using.map(({ project }) => project))}`;
}

function listOf(names: readonly string[]): string {
  const more = names.length - namesMax;
  const shown = names.slice(0, namesMax);
  if (more > 0) return `${shown.join(", ")} or ${more} more`;
  return shown.length < 2
    ? (shown[0] ?? "any")
    : `${shown.slice(0, -1).join(", ")} or ${shown.at(-1)}`;
}

function amount(value: number, resource: Resource): string {
  return resource === "milliCpus" ? formatCpus(value) : `${briefSize(value)} of memory`;
}

/** "20 of 20 CPUs". */
function partOf(part: number, whole: number, resource: Resource): string {
  return resource === "milliCpus"
    ? `${Number((part / 1000).toFixed(2))} of ${formatCpus(whole)}`
    : `${briefSize(part)} of ${briefSize(whole)} of memory`;
}

/** Steps of which it is told that they wait for quota. */
const stepsMax = 5;

/** What a project may use, what it and its cohort do use of that, and which of its steps wait for more. */
export function explainProject(board: Board, project: string): Explanation[] {
  const account = board.quotas.account(project);
  const { weight } = board.shareOf(project);
  const found: Explanation[] = [
    {
      sentence: `of what is not limited it gets its share by weight ${weight}, where others wait, too`,
      flip: "a greater weight",
      advice: `canopy project set ${project} --weight NUMBER`,
    },
  ];
  if (!account.isLimited)
    return [{ sentence: "it has no quota: its tasks may use all machines there are" }, ...found];
  const left: string[] = [];
  for (const resource of resources) {
    const quota = account.quota[resource];
    if (quota === Infinity) continue;
    const { cohort } = account;
    const pool = cohort && poolOf(cohort, resource);
    const ceiling = account.ceiling[resource];
    const most = Math.min(ceiling, pool?.quota ?? ceiling);
    const free = Math.min(
      ceiling - account.used[resource],
      pool ? pool.quota - pool.used : Infinity,
    );
    left.push(amount(Math.max(0, free), resource));
    const shared =
      cohort && pool
        ? `; cohort ${cohort.name} uses ${partOf(pool.used, pool.quota, resource)}, and lends it up to ${amount(Math.max(0, most - quota), resource)} of what is idle`
        : "";
    found.push({
      sentence: `it uses ${partOf(account.used[resource], quota, resource)} that it is entitled to${shared}`,
      flip: "another quota",
      advice: `canopy project set ${project} --quota AMOUNT`,
    });
  }
  const waiting = [...board.steps.values()].filter(
    (step) => step.share.project === project && step.available > 0,
  );
  const reasons = waiting.map((step) => ({ step, of: quotaReasons(board, step) }));
  const held = reasons.filter(({ of }) => of.length > 0);
  for (const { step, of } of held.slice(0, stepsMax))
    found.push({ ...of[0]!, subject: step.name, advice: `canopy why ${step.job}` });
  if (held.length > stepsMax)
    found.push({ sentence: `${held.length - stepsMax} more of its steps wait for quota` });
  if (held.length === 0)
    found.push({
      sentence: "nothing of it waits for quota",
      flip: `a task that needs more than is left of it: ${left.join(", or ")}`,
    });
  return found;
}
