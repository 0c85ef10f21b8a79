import type { Outcome } from "./run.ts";

const violationsShown = 20;

export function reportOf(log: string, outcome: Outcome): string {
  const { faults, violations, recoveriesMs, settledMs, runs, calls } = outcome;
  const kills = faults.filter(({ what }) => what === "kill");
  const pauses = faults.filter(({ what }) => what === "pause");
  const cuts = faults.filter(({ what }) => what === "cut");
  const lines = [
    `over ${log}`,
    `${kills.length} kills in ${seconds(outcome.faultsMs)}: ${byKind(kills)}`,
    `${pauses.length} pauses: ${byKind(pauses)}; ${cuts.length} cuts of the network: ${byKind(cuts)}`,
    `${count(outcome.acknowledged)} acknowledged writes checked, ${violations.length} lost or wrong`,
    `${count(outcome.jobs)} jobs with ${count(outcome.tasks)} tasks, each with its one right result`,
    `${count(runs.runs)} effects of tasks written down, ${runs.again} of them again, after what ran them was killed`,
    `${count(outcome.recordCalls)} calls to ${outcome.records} records judged linearizable`,
    `${count(calls.answered)} calls answered, ${count(calls.unanswered)} without an answer, ${count(calls.refusedForNow)} told to come again`,
    `longest without an acknowledged write ${seconds(outcome.longestGap.forMs)}, in it: ${outcome.longestGap.faults.join(", ")}`,
    ...Object.entries(recoveriesMs).map(
      ([kind, list]) =>
        `until the next one after a ${kind}: ${seconds(quantile(list, 0.5))} in the middle, ${seconds(quantile(list, 1))} at worst`,
    ),
    `${outcome.startsRefused} starts of a control plane refused as its log was away`,
    settledMs === undefined
      ? "did not come to rest"
      : `came to rest ${seconds(settledMs)} after the last fault`,
    `again: npm run chaos -- ${log === "network" ? "--net" : `--log ${log}`} --seed ${outcome.seed}`,
  ];
  for (const violation of violations.slice(0, violationsShown)) lines.push(`✖ ${violation}`);
  if (violations.length > violationsShown)
    lines.push(`✖ and ${violations.length - violationsShown} more`);
  return lines.join("\n");
}

function byKind(faults: Outcome["faults"]): string {
  const groups = Object.entries(Object.groupBy(faults, ({ kind }) => kind));
  return groups.map(([kind, list]) => `${list.length} ${kind}`).join(", ") || "none";
}

function quantile(values: number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.ceil((sorted.length - 1) * share)] ?? 0;
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(2)} s`;
const count = (value: number): string => value.toLocaleString("en");
