import type { Choice, Policy, View } from "./spot-market.ts";

/** On-demand is still in time if ordered at the next tick; on spot, this tick's work counts. */
function mayGoWithout({ workLeft, timeLeft, holds, changeoverLeft, terms }: View): boolean {
  const works = typeof holds === "number" && changeoverLeft === 0;
  return timeLeft - 1 >= workLeft - (works ? 1 : 0) + terms.changeoverTicks;
}

function spotNow({ holds, isAvailable }: View, zones: number): number | undefined {
  if (typeof holds === "number") return holds;
  for (let zone = 0; zone < zones; zone++) if (isAvailable(zone)) return zone;
  return undefined;
}

/** Spot whenever there is any, else nothing; on-demand from when it must until the end. */
export function greedy(zones: number): Policy {
  return (view): Choice => {
    if (view.holds === "on-demand" || !mayGoWithout(view)) return "on-demand";
    return spotNow(view, zones) ?? "none";
  };
}

/**
 * Uniform Progress of Wu et al., "Can't Be Late: Optimizing Spot Instance Savings under Deadlines" (NSDI 2024): on
 * spot when there is any; without, on-demand as long as less was done than time went by in proportion. It goes
 * back from on-demand once it is ahead by two changeovers.
 */
export function uniformProgress(zones: number): Policy {
  return (view): Choice => {
    const { terms, workLeft, timeLeft, holds } = view;
    const done = terms.workTicks - workLeft;
    const passed = terms.windowTicks - timeLeft;
    const expected = (after: number) =>
      Math.min(terms.workTicks, ((passed + after) * terms.workTicks) / terms.windowTicks);
    if (!mayGoWithout(view)) return "on-demand";
    const spot = spotNow(view, zones);
    if (holds === "on-demand") {
      if (done < expected(2 * terms.changeoverTicks)) return "on-demand";
      return spot ?? "none";
    }
    return spot ?? (done < expected(0) ? "on-demand" : "none");
  };
}
