import type { Offer } from "#/model/site.ts";
import type { CanopyConfig, LocalConfig } from "#/model/site-config.ts";
import { formatSize } from "#/model/units.ts";

/** A site whose machines are all of one size that its configuration says. */
type Sized = LocalConfig | CanopyConfig;

export function offerNameOf({ milliCpus, memoryBytes }: Sized): string {
  return `${milliCpus / 1000}cpu-${formatSize(memoryBytes)}`;
}

/** Its only offer: machines that stay, and of which it would give `countMax` more. */
export function sizedOffer(
  config: Sized,
  { site, bootMs, countMax }: Pick<Offer, "site" | "bootMs" | "countMax">,
): Offer {
  const { milliCpus, memoryBytes, labels, microsPerHour, priceGranularityMs, billedMsMin } = config;
  const { idleWatts, peakWatts, pue, gramsPerKwh } = config;
  return {
    site,
    name: offerNameOf(config),
    capacity: { milliCpus, memoryBytes },
    labels,
    market: "on-demand",
    zone: "",
    microsPerHour,
    priceGranularityMs,
    billedMsMin,
    idleWatts,
    peakWatts,
    pue,
    gramsPerKwh,
    bootMs,
    interruptionsPerHour: 0,
    countMax: Math.max(0, countMax),
  };
}
