import type { ConsideredView, PlanView } from "#/model/plan-views.ts";
import { briefDuration } from "#/model/units.ts";
import { moneyOf } from "../words.ts";

/** What is predicted may be off by so much before it counts as another plan. */
const noticed = 0.01;

/** What of a plan would be another one now, each as a sentence; none where it is the same. */
export function differencesOf(before: PlanView, now: PlanView): string[] {
  const { currency } = now;
  const [old, fresh] = [takenOf(before), takenOf(now)];
  const found: string[] = [];
  for (const name of new Set([...old.keys(), ...fresh.keys()])) {
    const [one, other] = [old.get(name), fresh.get(name)];
    const there = (one ?? other)!.isPresent ? " that are there" : "";
    if (one?.count !== other?.count)
      found.push(`${name}: takes ${other?.count ?? 0}${there}, it was ${one?.count ?? 0}`);
    else if (one!.perHour !== other!.perHour)
      found.push(
        `${name}: costs ${moneyOf(other!.perHour, currency)} an hour, it was ${moneyOf(one!.perHour, currency)}`,
      );
  }
  const [from, to] = [before.predicted, now.predicted];
  if (isOther(from.finishMs.high, to.finishMs.high))
    found.push(
      `done in ${briefDuration(to.finishMs.high)} at most, it was ${briefDuration(from.finishMs.high)}`,
    );
  if (isOther(costOf(from), costOf(to)))
    found.push(
      `costs ${moneyOf(to.cost?.high, currency)} at most, it was ${moneyOf(from.cost?.high, currency)}`,
    );
  return found;
}

/** Machines that a plan uses, by site and type; those of one type together. */
function takenOf({ considered }: PlanView): Map<string, ConsideredView> {
  const taken = new Map<string, ConsideredView>();
  for (const one of considered) {
    if (one.count === 0) continue;
    const name = `${one.site} ${one.offer}`;
    taken.set(name, { ...one, count: one.count + (taken.get(name)?.count ?? 0) });
  }
  return taken;
}

function costOf({ cost }: PlanView["predicted"]): number | undefined {
  return cost && Number(cost.high);
}

function isOther(one: number | undefined, other: number | undefined): boolean {
  if (one === undefined || other === undefined) return one !== other;
  return Math.abs(one - other) > noticed * Math.max(one, other);
}
