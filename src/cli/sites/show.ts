import type { OfferView, SiteDetail, SiteView } from "#/model/site-views.ts";
import { briefDuration, briefSize, formatMicros } from "#/model/units.ts";
import { column, type Cell, type Result } from "../result.ts";
import { printable, tableText } from "../table.ts";
import { spanOf } from "../words.ts";

export function healthCell({ health }: SiteView): Cell {
  return { text: health, tone: health === "healthy" ? "green" : "red" };
}

/** "0.096 an hour", and "unknown" for what nobody knows. */
export function priceOf({ microsPerHour }: OfferView): string {
  return microsPerHour === undefined ? "unknown" : formatMicros(microsPerHour);
}

function powerOf({ idleWatts, peakWatts, pue }: OfferView): string {
  const watts = (figure: number | undefined) => (figure === undefined ? "unknown" : `${figure}`);
  if (idleWatts === undefined && peakWatts === undefined) return "unknown";
  return `${watts(idleWatts)} to ${watts(peakWatts)} W${pue === undefined ? "" : ` x ${pue}`}`;
}

function interruptionsOf({ market, interruptionsPerHour }: OfferView): string {
  if (market === "on-demand") return "never";
  return interruptionsPerHour === undefined
    ? "unknown"
    : `${Number(interruptionsPerHour.toPrecision(3))} an hour`;
}

const offerColumns = [
  column<OfferView>("offer", ({ name }) => name),
  column<OfferView>("cpus", ({ capacity }) => String(capacity.milliCpus / 1000), {
    align: "right",
  }),
  column<OfferView>("memory", ({ capacity }) => briefSize(capacity.memoryBytes), {
    align: "right",
  }),
  column<OfferView>("an hour", priceOf, { align: "right" }),
  column<OfferView>("power", powerOf),
  column<OfferView>("boot", ({ bootMs }) =>
    bootMs ? `${briefDuration(bootMs.median)}, p90 ${briefDuration(bootMs.p90)}` : "unknown",
  ),
  column<OfferView>("market", ({ market }) => market),
  column<OfferView>("interrupted", interruptionsOf),
  column<OfferView>("zone", ({ zone }) => zone),
  column<OfferView>("more", ({ countMax }) => String(countMax), { align: "right" }),
];

/** A site's health, and its offers as a table. */
export function siteResult(site: SiteDetail, nowMs: number): Result {
  const { name, type, health, reason, since, orders, offers } = site;
  const why = reason === undefined ? "" : `: ${reason}`;
  const state = `${name} (${type}) is ${health} for ${spanOf(since, undefined, nowMs)}${why}. Machines of this cloud there: ${orders}`;
  return {
    type: "text",
    value: site,
    text: (out) => {
      const table = offers.length > 0 ? tableText(offers, offerColumns, out) : "";
      if (!out.isTty && table !== "") return table;
      return `${table}${printable(state)}${table === "" ? ", and offers nothing" : ""}.\n`;
    },
  };
}
