import { briefDuration } from "#/model/units.ts";
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
    `that is ${percentOf(savingShare)} less CO2 than going on at once`,
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

export function percentOf(share: number): string {
  return `${Math.round(share * 100)} %`;
}

function gramsOf(gramsPerKwh: number | undefined): string {
  return `${Math.round(gramsPerKwh ?? 0)} gCO2/kWh`;
}
