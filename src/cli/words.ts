import { CanopyError } from "#/base/errors.ts";
import { briefDuration, briefEnergy, briefGrams, briefSize, formatMicros } from "#/model/units.ts";
import type { CountsView, EtaView, ExplanationView, JobView, UsageView } from "#/model/views.ts";
import type { Cell } from "./result.ts";
import type { Output, Tone } from "./terminal.ts";

const phaseTones: Record<string, Tone> = {
  running: "blue",
  ready: "cyan",
  waiting: "yellow",
  blocked: "yellow",
  succeeded: "green",
  failed: "red",
  cancelled: "magenta",
};

/** A phase in its colour: the same one everywhere. */
export function phaseCell(phase: string): Cell {
  const tone = phaseTones[phase];
  return tone ? { text: phase, tone } : phase;
}

export function toneOf(phase: string): Tone {
  return phaseTones[phase] ?? "dim";
}

/** How long ago, or between two instants, in short: "12s", "3h05m". */
export function spanOf(from: string | undefined, to: string | undefined, nowMs: number): string {
  if (from === undefined) return "";
  return briefDuration(Math.max(0, (to === undefined ? nowMs : Date.parse(to)) - Date.parse(from)));
}

export function agoOf(instant: string | undefined, nowMs: number): string {
  return instant === undefined ? "" : `${spanOf(instant, undefined, nowMs)} ago`;
}

/** "done within 8h, for at most 3.00" */
export function goalOf(
  { deadlineAt, budget }: NonNullable<JobView["goal"]>,
  nowMs: number,
): string {
  const leftMs = deadlineAt === undefined ? undefined : Date.parse(deadlineAt) - nowMs;
  return [
    ...(leftMs === undefined
      ? []
      : [
          leftMs > 0 ? `done within ${briefDuration(leftMs)}` : `due ${briefDuration(-leftMs)} ago`,
        ]),
    ...(budget === undefined ? [] : [`for at most ${budget}`]),
  ].join(", ");
}

export function moneyOf(decimal: string | undefined, currency: string): string {
  return decimal === undefined ? "unknown" : `${decimal} ${currency}`;
}

export function microsOf(micros: number | undefined, currency: string): string {
  return moneyOf(micros === undefined ? undefined : formatMicros(micros), currency);
}

/** "1,204". By hand, as asking for a locale costs 20 ms of loading. */
export function countOf(count: number): string {
  return String(count).replace(/\B(?=(?:\d{3})+$)/g, ",");
}

/** "1 task", "1,204 tasks". */
export function tasksOf(count: number): string {
  return `${countOf(count)} ${count === 1 ? "task" : "tasks"}`;
}

/** "612/1,000", or "612" while the total is not known. */
export function shareOf({ succeeded, failed, cancelled, total, offered }: CountsView): string {
  const ended = succeeded + failed + cancelled;
  return total === undefined
    ? `${countOf(ended)}/${countOf(offered)}+`
    : `${countOf(ended)}/${countOf(total)}`;
}

/** "8s to 20s", or "about 12s". */
export function etaOf(eta: EtaView | undefined): string {
  if (!eta) return "";
  const low = briefDuration(Math.round(eta.lowMs));
  const high = briefDuration(Math.round(eta.highMs));
  return low === high ? `about ${low}` : `${low} to ${high}`;
}

/** ["1.2s CPU", "512MiB at most", "3.1Wh", "0.9g CO2"], as far as it is known. */
export function usageOf(usage: UsageView): string[] {
  return [
    `${briefDuration(usage.cpuMs)} CPU`,
    ...(usage.memoryPeakBytes > 0 ? [`${briefSize(usage.memoryPeakBytes)} at most`] : []),
    ...(usage.energyJoules === undefined ? [] : [briefEnergy(usage.energyJoules)]),
    ...(usage.grams === undefined ? [] : [co2Of(usage)]),
  ];
}

type Drawn = Pick<UsageView, "energyJoules" | "measuredJoules">;

/** "1.2Wh modelled", "1.2Wh measured", "1.2Wh, 40% of it measured", "energy unknown". */
export function energyOf({ energyJoules, measuredJoules }: Drawn): string {
  if (energyJoules === undefined) return "energy unknown";
  if (energyJoules === 0) return briefEnergy(0);
  const share = measuredJoules / energyJoules;
  const from =
    share <= 0
      ? " modelled"
      : share > 0.995
        ? " measured"
        : `, ${Math.round(share * 100)}% of it measured`;
  return `${briefEnergy(energyJoules)}${from}`;
}

/** "1.2Wh", "unknown". */
export function briefEnergyOf({ energyJoules }: Partial<Drawn>): string {
  return energyJoules === undefined ? "unknown" : briefEnergy(energyJoules);
}

/** "3.2g", "unknown". */
export function briefGramsOf({ grams }: { grams?: number | undefined }): string {
  return grams === undefined ? "unknown" : briefGrams(grams);
}

/** "3.2g CO2", "CO2 unknown". */
export function co2Of({ grams }: { grams?: number | undefined }): string {
  return grams === undefined ? "CO2 unknown" : `${briefGrams(grams)} CO2`;
}

/** An explanation as lines: what it is about, the sentence, what to do. */
export function explained(
  { machine, subject, sentence, flip, advice }: ExplanationView,
  out: Output,
): string {
  const about = [subject, machine].filter((word) => word !== undefined).join(" on ");
  const lead = about === "" ? "" : `${out.paint("bold", about)}: `;
  const otherwise = flip === undefined ? "" : `\n${out.paint("yellow", "    flip")} ${flip}`;
  const next = advice === undefined ? "" : `\n${out.paint("cyan", "    next")} ${advice}`;
  return `${out.paint("dim", "•")} ${lead}${sentence}${otherwise}${next}\n`;
}

/** "name=value" words as an object. Throws CanopyError "invalid". */
export function labelsOf(words: readonly string[] | undefined): Record<string, string> {
  const labels: Record<string, string> = {};
  for (const word of words ?? []) {
    const equals = word.indexOf("=");
    if (equals < 1)
      throw new CanopyError(
        "invalid",
        `Cannot read a label as it must be name=value: current value is '${word}'`,
      );
    labels[word.slice(0, equals)] = word.slice(equals + 1);
  }
  return labels;
}

/** Collects the words of an option that may be given several times. */
export function many(word: string, before: string[] | undefined): string[] {
  return [...(before ?? []), word];
}
