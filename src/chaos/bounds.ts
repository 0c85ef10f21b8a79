import { limits } from "#/base/limits.ts";
import type { ChaosTarget } from "#/model/game-day.ts";
import type { ChaosPolicy } from "#/model/policy.ts";
import { briefDuration } from "#/model/units.ts";
import { isWithinHours } from "#/model/hours.ts";
import type { MachineThere, Situation, TaskUnderWay } from "./situation.ts";

/** What a game day has done so far. */
export interface Progress {
  project: string;
  hits: number;
  /** When any game day of the project hit last. */
  lastAt: number | undefined;
}

/** Why nothing at all may be hit now, as a sentence; undefined when something may. */
export function whyNotNow(
  policy: ChaosPolicy,
  { now, open }: Situation,
  { project, hits, lastAt }: Progress,
): string | undefined {
  const { hours, timeZone, hitsMax, hitsAtOnceMax, gapMs } = policy;
  if (hours && !isWithinHours(hours, timeZone, now))
    return `it is outside of the hours of the policy, ${hours.from} to ${hours.to} ${timeZone}`;
  if (hits >= hitsMax) return `a game day has at most ${hitsMax} hits: current number is ${hits}`;
  const ownOpen = open.filter((hit) => hit.project === project).length;
  if (ownOpen >= hitsAtOnceMax)
    return `at most ${hitsAtOnceMax} may be open at once: current number is ${ownOpen}`;
  if (lastAt !== undefined && now - lastAt < gapMs)
    return `${briefDuration(gapMs)} must pass between two hits: the last one was ${briefDuration(now - lastAt)} ago`;
  return undefined;
}

/** Why a task may not be hit; undefined when it may. */
export function whyNotTask(
  policy: ChaosPolicy,
  situation: Situation,
  project: string,
  task: TaskUnderWay,
): string | undefined {
  const machine = situation.machines.find(({ name }) => name === task.machine);
  if (task.project !== project) return "it is another project's";
  if (task.isAhead) return "it may not have begun";
  if (!machine?.connected) return `${task.machine} is not connected`;
  if (!machine.faults.includes("task")) return `the agent of ${machine.name} is too old to be told`;
  if (isStruck(situation, task)) return "a hit on it has not healed yet";
  return whyNotJob(policy, task) ?? whyNotLabels(policy, machine);
}

/** Why a machine, or its agent, may not be hit; undefined when it may. */
export function whyNotMachine(
  policy: ChaosPolicy,
  situation: Situation,
  project: string,
  { machine, target }: { machine: MachineThere; target: Exclude<ChaosTarget, "task"> },
): string | undefined {
  if (!machine.connected) return "it is not connected";
  if (!machine.faults.includes(target))
    return target === "agent"
      ? "nothing would start its agent again (it was not started with --supervised)"
      : "its agent is too old to be told";
  const hitNow = machinesHit(situation);
  if (hitNow.has(machine.name)) return "a hit on it has not healed yet";
  const labels = whyNotLabels(policy, machine);
  if (labels !== undefined) return labels;
  const others = situation.machines.filter(
    ({ name, connected, cordoned }) =>
      name !== machine.name && connected && !cordoned && !hitNow.has(name),
  );
  if (others.length === 0 && !policy.lastMachine)
    return "it is the only healthy machine, and the policy keeps the last one out";
  const there = situation.machines.filter(
    ({ name, connected }) => connected || hitNow.has(name),
  ).length;
  const mostAtOnce = Math.max(1, Math.floor(policy.machineShareMax * there));
  if (hitNow.size + 1 > mostAtOnce)
    return `at most ${mostAtOnce} of ${there} machines may be hit at once: current number is ${hitNow.size}`;
  for (const task of machine.tasks) {
    if (task.project !== project && !policy.neighbours)
      return "tasks of another project are under way on it";
    const job = task.project === project ? whyNotJob(policy, task) : undefined;
    if (job !== undefined) return `${task.task} is under way on it, and ${job}`;
    if (isAtItsEnd(task))
      return `${task.task} is under way on it and has lost ${task.lost} attempts: one more might be its last`;
  }
  return undefined;
}

/** One attempt is left for what nobody planned. */
function isAtItsEnd({ lost, isJob }: TaskUnderWay): boolean {
  return lost + 2 >= (isJob ? limits.jobLostMax : limits.lostMax);
}

/** Machines that a game day, of whatever project, has hit and that have not healed. */
function machinesHit({ open }: Situation): Set<string> {
  return new Set(open.filter(({ spec }) => spec.target !== "task").map(({ spec }) => spec.machine));
}

function isStruck({ open }: Situation, { task }: TaskUnderWay): boolean {
  return open.some(({ spec }) => spec.victims.some((victim) => victim.task === task));
}

function whyNotJob(policy: ChaosPolicy, { job, jobTitle }: TaskUnderWay): string | undefined {
  const matches = (pattern: string) => isLike(pattern, job) || isLike(pattern, jobTitle);
  if (policy.jobs.length > 0 && !policy.jobs.some(matches))
    return `the policy takes in only jobs like ${policy.jobs.join(", ")}: its job is '${jobTitle}'`;
  const out = policy.jobsNever.find(matches);
  return out === undefined ? undefined : `the policy keeps out jobs like '${out}'`;
}

function whyNotLabels(policy: ChaosPolicy, { name, labels }: MachineThere): string | undefined {
  for (const [label, value] of Object.entries(policy.labels)) {
    if (!isLike(value, labels[label]))
      return `the policy takes in only machines with ${label}=${value}: ${name} has ${label}=${labels[label] ?? ""}`;
  }
  for (const [label, value] of Object.entries(policy.labelsNever)) {
    if (isLike(value, labels[label])) return `the policy keeps out machines with ${label}=${value}`;
  }
  return undefined;
}

/** "*" stands for anything. */
function isLike(pattern: string, text: string | undefined): boolean {
  if (text === undefined) return false;
  const parts = pattern.split("*").map((part) => part.replaceAll(/[.+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`, "s").test(text);
}
