import type { JobRecord } from "#/model/job.ts";
import { bandOf, type Band } from "./band.ts";
import { Fork, type JobOutcome } from "./fork.ts";
import { machinesMicros } from "./machines-cost.ts";
import { arrivalsUnder } from "./policy.ts";
import type { Recording } from "./recording.ts";
import { titleOf, underTried, type Tried } from "./tried.ts";

/** How the same load went under one policy; times in milliseconds. */
export interface Replayed {
  policy: string;
  /** Those that ended. */
  jobs: number;
  /** From submission until the first task began. */
  waitMs: Band;
  meanWaitMs: number;
  /** From submission to the end. */
  responseMs: Band;
  meanResponseMs: number;
  /** From the first submission to the last end. */
  makespanMs: number;
  /** Millionths of the currency that the jobs cost; undefined when a price is not known. */
  costMicros: number | undefined;
  /** Of the jobs; undefined when a power is not known, or how clean it is. */
  energyJoules: number | undefined;
  grams: number | undefined;
  /** Millionths of the currency for all machines, busy or not, over the makespan. */
  machinesMicros: number | undefined;
  /** Machines that were bought. */
  bought: number;
  /** Jobs that had a deadline, and those of them that had not succeeded by then. */
  deadlines: number;
  missed: number;
}

/** Runs a recorded load again, from its first submission to its last end, under a policy. `isOver` gives up. */
export async function replay(
  { jobs, runMs, cloud }: Recording,
  policy: Tried,
  isOver: () => boolean,
): Promise<Replayed | undefined> {
  const projects = [...new Set(jobs.map(({ arrival }) => arrival.project))];
  const moment = underTried(cloud, policy, projects);
  const begin = moment.now;
  const fork = await Fork.open(moment, {
    runMs: (_step, { task }) => runMs.get(task) ?? 0,
    fails: () => false,
  });
  const comes = arrivalsUnder(moment);
  const under = jobs.map(({ id, arrival }) => ({ id, arrival: comes(arrival) }));
  for (const { id, arrival } of under)
    fork.clock.after(arrival.at - begin, () => fork.submit(arrival, id));
  await fork.run(isOver);
  const ended = under.flatMap(({ id, arrival: { at, spec } }) => {
    const outcome = fork.outcomes.get(id);
    return outcome ? [{ outcome, at, spec }] : [];
  });
  if (ended.length === 0) return undefined;
  const waits = ended.map(({ outcome, at }) => (outcome.beganAt ?? outcome.endedAt) - at);
  const responses = ended.map(({ outcome, at }) => outcome.endedAt - at);
  const end = Math.max(...ended.map(({ outcome }) => outcome.endedAt));
  const used = (unit: "costMicros" | "energyJoules" | "grams") =>
    sumOfKnown(ended.map(({ outcome }) => outcome.usage[unit]));
  const bound = ended.filter(({ spec }) => spec.goal?.deadlineAt !== undefined);
  return {
    policy: titleOf(policy),
    jobs: ended.length,
    waitMs: bandOf(waits)!,
    meanWaitMs: sumOf(waits) / ended.length,
    responseMs: bandOf(responses)!,
    meanResponseMs: sumOf(responses) / ended.length,
    makespanMs: end - begin,
    costMicros: used("costMicros"),
    energyJoules: used("energyJoules"),
    grams: used("grams"),
    machinesMicros: machinesMicros(moment, end, fork.sites),
    bought: fork.sites?.bought ?? 0,
    deadlines: bound.length,
    missed: bound.filter(isMissed).length,
  };
}

function isMissed({ outcome, spec }: { outcome: JobOutcome; spec: JobRecord["spec"] }): boolean {
  return outcome.phase !== "succeeded" || outcome.endedAt > spec.goal!.deadlineAt!;
}

const sumOf = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0);

function sumOfKnown(values: readonly (number | undefined)[]): number | undefined {
  let sum = 0;
  for (const value of values) {
    if (value === undefined) return undefined;
    sum += value;
  }
  return sum;
}
