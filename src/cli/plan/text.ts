import { objectiveText } from "#/model/objective-views.ts";
import type { ConsideredView, PlanView } from "#/model/plan-views.ts";
import { briefDuration, briefEnergy, briefGrams } from "#/model/units.ts";
import { column } from "../result.ts";
import { tableText } from "../table.ts";
import type { Output } from "../terminal.ts";
import { countOf, moneyOf, tasksOf } from "../words.ts";

/** A plan for people: what is considered, what is taken, and what comes of it. With `details`, all of it. */
export function planText(plan: PlanView, out: Output, details: boolean): string {
  const { considered, work, leftOut = [], release, fleet, saving } = plan;
  if (saving)
    return `ends ${out.paint("bold", saving.subject)}, which costs ${moneyOf(saving.perMonth, plan.currency)} a month: ${saving.why.join("; ")}\n`;
  if (release)
    return `gives ${out.paint("bold", release.machine)} back: ${release.why.join("; ")}\n${sum(plan, out)}\n`;
  if (fleet) return fleetText(plan, fleet, out);
  const taken = considered.filter(({ count }) => count > 0);
  const rows = details ? considered : shownOf(considered);
  const isCleanKnown = considered.some(({ gramsPerKwh }) => gramsPerKwh !== undefined);
  const columns = [
    column<ConsideredView>("site", ({ site }) => site),
    column<ConsideredView>(
      "machine",
      ({ offer, market }) => (market === "spot" ? `${offer} (spot)` : offer),
      { flexible: true },
    ),
    column<ConsideredView>("tasks", ({ slots }) => countOf(slots), { align: "right" }),
    column<ConsideredView>("per hour", ({ perHour }) => moneyOf(perHour, plan.currency), {
      align: "right",
    }),
    column<ConsideredView>(
      "power",
      ({ watts }) => (watts === undefined ? "unknown" : `${Math.round(watts)}W`),
      { align: "right" },
    ),
    ...(isCleanKnown ? [column<ConsideredView>("co2", gramsOf, { align: "right" })] : []),
    column<ConsideredView>(
      "boot",
      ({ bootMs }) =>
        bootMs === undefined ? "unknown" : bootMs === 0 ? "there" : briefDuration(bootMs),
      { align: "right" },
    ),
    column<ConsideredView>(
      "take",
      ({ count, isPresent }) =>
        count === 0 ? "" : isPresent ? `${count} there` : { text: `${count}`, tone: "green" },
      { align: "right" },
    ),
    column<ConsideredView>("because", ({ whyNot }) => whyNot ?? "", { flexible: true }),
  ];
  const hidden = considered.length - rows.length;
  const lines = [
    ...(details
      ? work.map(
          (one) =>
            `${tasksOf(one.tasks)} of ${one.kind}${one.atOnce === undefined ? "" : `, ${one.atOnce} at once`}: ${briefDuration(one.meanMs)} each, ${briefDuration(one.longMs)} kept for the last ones, ${seenOf(one.seen)}`,
        )
      : []),
    ...leftOut.map(({ site, reason }) => `not planned with ${site}, which is unhealthy: ${reason}`),
    sum(plan, out),
    ...(plan.shift ? shiftLines(plan.shift, out, details) : []),
    ...(plan.goal.objective === "carbon" && plan.goal.deadlineMs === undefined
      ? ["With a deadline it may wait for cleaner power: --deadline 24h"]
      : []),
    ...(taken.some(({ isPresent }) => !isPresent)
      ? []
      : ["Nothing has to be bought: what is there already does."]),
  ];
  const all = `and ${hidden} more, of which it takes none; canopy why ${plan.id} says why`;
  const more = hidden > 0 ? `${out.paint("dim", all)}\n` : "";
  return `${tableText(rows, columns, out)}${more}\n${lines.join("\n")}\n`;
}

/** What becomes of the machines that a project's jobs share. */
function fleetText(
  { considered, predicted, currency }: PlanView,
  { why, gives }: NonNullable<PlanView["fleet"]>,
  out: Output,
): string {
  const buys = considered.map(
    ({ site, offer, count, perHour }) =>
      `orders ${out.paint("bold", `${count} ${offer} of ${site}`)}, each for ${moneyOf(perHour, currency)} an hour`,
  );
  const lines = [
    ...buys,
    ...(buys.length > 0
      ? [`at most ${moneyOf(predicted.cost?.high, currency)} more in any hour`]
      : []),
    ...gives.map(
      ({ machine }) => `gives ${out.paint("bold", machine)} back when what it runs has ended`,
    ),
    ...why.map((sentence) => out.paint("dim", sentence)),
  ];
  return `${lines.join("\n")}\n`;
}

const shownMax = 12;

/** What is taken, and as many of the others as there is room for, in the order that they have. */
function shownOf(considered: readonly ConsideredView[]): ConsideredView[] {
  const taken = considered.filter(({ count }) => count > 0);
  const others = considered.filter(({ count }) => count === 0);
  const shown = new Set([...taken, ...others].slice(0, Math.max(shownMax, taken.length)));
  return considered.filter((line) => shown.has(line));
}

/** Of one that works for an hour. */
function gramsOf({ watts, gramsPerKwh }: ConsideredView): string {
  if (watts === undefined || gramsPerKwh === undefined) return "unknown";
  return `${briefGrams((watts / 1000) * gramsPerKwh)}/h`;
}

function seenOf(seen: number | "told"): string {
  return seen === "told" ? "as you said" : `seen of ${tasksOf(seen)}`;
}

/** "done in 12m30s to 16m · 1.10 to 1.42 USD · 0.21kWh · at most 3 % above the least possible cost" */
function sum({ predicted, currency, gapMax, goal }: PlanView, out: Output): string {
  const { finishMs, cost, energyJoules, grams } = predicted;
  const parts = [
    `done in ${out.paint("bold", range(finishMs.likely, finishMs.high, briefDuration))}`,
    cost === undefined
      ? "cost unknown"
      : out.paint(
          "bold",
          `${cost.likely === cost.high ? cost.high : `${cost.likely} to ${cost.high}`} ${currency}`,
        ),
    energyJoules === undefined
      ? "energy unknown"
      : range(energyJoules.likely, energyJoules.high, briefEnergy),
    grams === undefined ? "CO2 unknown" : `${range(grams.likely, grams.high, briefGrams)} CO2`,
    ...(gapMax === undefined
      ? []
      : [
          `at most ${(gapMax * 100).toFixed(1)} % above the least possible ${objectiveText(goal.objective)}`,
        ]),
  ];
  return parts.join(" · ");
}

/** "Waits until 02:00Z for cleaner power: 31 % less CO2 than at once by the forecast, 120g instead of 174g" */
function shiftLines(
  shift: NonNullable<PlanView["shift"]>,
  out: Output,
  details: boolean,
): string[] {
  const { until, savingShare, gramsAtOnce, gramsPerKwhNow, gramsPerKwhThen, isWhole } = shift;
  const pauses = isWhole ? "" : ", and pauses while it is dirty";
  const head = `Waits until ${out.paint("bold", `${until.slice(0, 16)}Z`)} for cleaner power${pauses}: ${Math.round(savingShare * 100)} % less CO2 than at once by the forecast (${range(gramsAtOnce.likely, gramsAtOnce.high, briefGrams)}), ${Math.round(gramsPerKwhThen)} instead of ${Math.round(gramsPerKwhNow)} gCO2/kWh.`;
  return details ? [head, ...shift.why, shift.flip] : [head];
}

function range(low: number, high: number, brief: (value: number) => string): string {
  const [from, to] = [brief(low), brief(high)];
  return from === to ? to : `${from} to ${to}`;
}
