import { briefDuration } from "#/model/units.ts";
import { formatCount, formatCpus } from "./amounts.ts";
import type { Board } from "./board.ts";
import type { Explanation } from "./explanation.ts";
import { isOpenOnTrial, placesOn } from "./fit.ts";
import { isStanding, quorumOf } from "./gang.ts";
import { freePlaces, isOnTrial, placesFor, sumOf } from "./gang-places.ts";
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
  const open = machines.filter((machine) => isOpenOnTrial(machine, step, nowMs));
  const free = placesFor(board, step, nowMs, quorum);
  const places = sumOf(free);
  const at = free.length === 0 ? "" : ` on ${formatCount(free.length, "machine")}`;
  const each = formatCpus(step.class.milliCpus);
  const needs = `it needs ${quorum} places of ${each} at once, and ${Math.min(places, quorum)} ${places === 1 ? "is" : "are"} free${at}`;
  const [onTrial, trusted] = [open.filter(isOnTrial), open.filter((one) => !isOnTrial(one))];
  const ofTrusted = placesOn(
    trusted.map(({ record }) => record),
    step.class,
  );
  const most = ofTrusted + onTrial.length;
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
  const silent = open.filter((machine) => machine.isSilent && freePlaces(machine, step, nowMs) > 0);
  if (silent.length > 0)
    return [
      {
        subject,
        flip: `work asked for by ${silent[0]!.name}`,
        sentence: `${needs}; ${silent[0]!.name} has room as well, and asks for no work`,
        advice: `on ${silent[0]!.name}, see that its agent runs: canopy agent`,
      },
    ];
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
