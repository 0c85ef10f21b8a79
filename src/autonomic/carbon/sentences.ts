import { briefDuration, briefPercent } from "#/model/units.ts";
import type { Load } from "./loads.ts";
import type { When } from "./when.ts";

/** Why it waits: what is seen now and forecast, what that saves, and that the deadline stays. */
export function whyWait(
  { gramsPerKwhNow, gramsPerKwhThen, savingShare, ends }: When,
  { loads, leftMs, now }: { loads: readonly Load[]; leftMs: number; now: number },
): string[] {
  const from = [...new Set(loads.map((load) => load.from))].join(" and ");
  const spareMs = Math.max(0, now + leftMs - ends);
  return [
    `power of ${from} has ${gramsOf(gramsPerKwhNow)} now, and is forecast to have ${gramsOf(gramsPerKwhThen)} when it is to run`,
    `that is ${briefPercent(savingShare)} less CO2 than going on at once`,
    `its deadline in ${briefDuration(leftMs)} stays, ${briefDuration(spareMs)} after it is done`,
  ];
}

/** The smallest changes by which it would have gone on. */
export function flipOf({ leftMsMax, gramsPerKwhMax }: When): string {
  const leftMs = leftMsMax();
  const ways = [
    ...(leftMs > 0 ? [`with no more than ${briefDuration(leftMs)} until its deadline`] : []),
    ...(gramsPerKwhMax === undefined
      ? []
      : [`with power of no more than ${gramsOf(gramsPerKwhMax)} now`]),
  ];
  return `${ways.join(", or ")} it would have gone on`;
}

function gramsOf(gramsPerKwh: number | undefined): string {
  return `${Math.round(gramsPerKwh ?? 0)} gCO2/kWh`;
}

/** Why a job goes on. */
export interface Reason {
  readonly why: string;
  readonly flip: string;
}

export const byItsPlan: Reason = {
  why: "its plan says so",
  flip: "with autonomy.shift: act in its policy that would have been decided anew",
};

export function reasonOf({ reason, gramsPerKwhNow }: When): Reason {
  switch (reason) {
    case "no-slack":
      return {
        why: "waiting any longer would put its deadline at risk",
        flip: "with a later deadline it would have waited on",
      };
    case "no-forecast":
      return {
        why: "nobody knows any more how clean the power of its machines will be",
        flip: "with intensities of its carbon zone for the hours until its deadline: canopy carbon set",
      };
    default:
      return {
        why: `power has ${Math.round(gramsPerKwhNow ?? 0)} gCO2/kWh now, and is forecast to be no cleaner in the time that is left`,
        flip: "with hours before its deadline that are forecast to be cleaner it would have waited on",
      };
  }
}

export function instantOf(at: number): string {
  return `${new Date(at).toISOString().slice(0, 16)}Z`;
}
