import { briefDuration } from "#/model/units.ts";
import { formatCount, formatCpus } from "./amounts.ts";
import type { Board } from "./board.ts";
import type { Explanation } from "./explanation.ts";
import { isOpenTo, placesOn } from "./fit.ts";
import { isStanding, quorumOf } from "./gang.ts";
import { freePlaces } from "./gangs.ts";
import type { StepState } from "./state.ts";

/** What a gang lacks that has to begin at once; none for any other step. */
export function gangReasons(board: Board, step: StepState): Explanation[] {
  const { gang, name: subject } = step;
  if (!gang || isStanding(board.space, step)) return [];
  const quorum = quorumOf(board.space, step);
  if (quorum === Infinity)
    return [{ subject, sentence: "its tasks begin at once, and it may still get more of them" }];
  if (step.available < quorum)
    return [
      {
        subject,
        sentence: `its tasks begin at once, and ${step.available} of ${quorum} are ready`,
      },
    ];
  const nowMs = board.clock.monotonicMs();
  const machines = [...board.machines.values()];
  const open = machines.filter((machine) => isOpenTo(machine, step, nowMs));
  const free = open
    .map((machine) => ({ machine, places: freePlaces(machine, step, nowMs) }))
    .filter(({ places }) => places > 0);
  const places = free.reduce((sum, one) => sum + one.places, 0);
  const at = free.length === 0 ? "" : ` on ${formatCount(free.length, "machine")}`;
  const each = formatCpus(step.class.milliCpus);
  const needs = `it needs ${quorum} places of ${each} at once, and ${Math.min(places, quorum)} ${places === 1 ? "is" : "are"} free${at}`;
  const most = placesOn(
    open.map(({ record }) => record),
    step.class,
  );
  if (most < quorum) {
    const least = most > 0 ? `let fewer be enough (gang: {minimum: ${most}}), or ` : "";
    return [
      {
        subject,
        flip: `${formatCount(quorum - most, "more place")} on machines that take its tasks${most > 0 ? `, or a minimum of ${most}` : ""}`,
        sentence: `${needs}; all machines that take its tasks now could carry ${most} with nothing else on them`,
        advice: `${least}add machines: canopy join`,
      },
    ];
  }
  if (places >= quorum)
    return [{ subject, sentence: `${needs}: it begins when their machines ask for work` }];
  return [
    {
      subject,
      flip: `${formatCount(quorum - places, "more place")} free at the same moment${places > 0 ? `, or a minimum of ${places}` : ""}`,
      sentence: `${needs}${keptWords(step, nowMs)}`,
      advice: "wait, or add machines: canopy join",
    },
  ];
}

function keptWords({ gang }: StepState, nowMs: number): string {
  if (!gang?.kept) return "";
  const { machines, expectedMs } = gang.kept;
  const when =
    expectedMs === Infinity
      ? "nobody knows when, as the tasks there say no timeout and none like them has ended yet"
      : `in about ${briefDuration(Math.max(0, expectedMs - nowMs))}`;
  return `; places are kept for it on ${[...machines.keys()]
    .map(({ name }) => name)
    .slice(0, 3)
    .join(
      ", ",
    )}${machines.size > 3 ? ` and ${machines.size - 3} more` : ""} as they become free, ${when}`;
}
