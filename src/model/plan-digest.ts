import { createHash } from "node:crypto";
import type { PlanView } from "./plan-views.ts";

/**
 * SHA-256 of what a plan promises and does: what is to run, its goal, what it takes and what comes of that. A
 * file that holds a plan is that plan as long as this is the same; words that only explain do not count.
 */
export function planDigest(plan: Omit<PlanView, "digest">): string {
  const {
    id,
    project,
    title,
    madeAt,
    request,
    currency,
    goal,
    work,
    considered,
    shift,
    predicted,
  } = plan;
  const taken = considered
    .filter(({ count }) => count > 0)
    .map(({ site, offer, market, zone, isPresent, perHour, count }) => [
      site,
      offer,
      market,
      zone,
      isPresent,
      perHour ?? null,
      count,
    ]);
  const { deadlineMs, budget, objective } = goal;
  const { finishMs, cost, energyJoules, grams } = predicted;
  const bands = [finishMs, cost, energyJoules, grams].map((band) =>
    band ? [band.likely, band.high] : null,
  );
  const kinds = work.map(({ kind, tasks, meanMs, longMs, seen, atOnce }) => [
    kind,
    tasks,
    meanMs,
    longMs,
    seen,
    ...(atOnce === undefined ? [] : [atOnce]),
  ]);
  const whole = [
    id,
    project,
    title,
    madeAt,
    request,
    currency,
    [deadlineMs ?? null, budget ?? null, objective],
    kinds,
    taken,
    bands,
    ...(shift ? [[shift.until, shift.isWhole]] : []),
  ];
  return createHash("sha256").update(JSON.stringify(whole)).digest("hex");
}
