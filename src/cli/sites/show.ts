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

function bootOf(bootMs: OfferView["bootMs"]): string {
  return bootMs ? `${briefDuration(bootMs.median)}, p90 ${briefDuration(bootMs.p90)}` : "unknown";
}

/** What is planned with instead of what the site says, and by how many machines. */
function bootSeenOf({ learned }: OfferView): string {
  if (!learned || learned.joined + learned.neverJoined === 0) return "";
  const never = learned.neverJoined === 0 ? "" : `, ${learned.neverJoined} never joined`;
  return `${bootOf(learned.bootMs)} by ${learned.joined}${never}`;
}

function interruptionsSeenOf({ learned }: OfferView): string {
  if (!learned || learned.hours === 0) return "";
  const { low, high } = learned.interruptionsPerHour;
  const brief = (rate: number) => String(Number(rate.toPrecision(2)));
  const band = high === 0 ? "" : `, ${brief(low)} to ${brief(high)} an hour`;
  return `${learned.taken} in ${brief(learned.hours)} h${band}`;
}

function gaveOf({ learned }: OfferView): string {
  if (!learned || learned.asked === 0) return "";
  const { asked, refused, rests } = learned;
  return `${asked - refused} of ${asked}${rests === undefined ? "" : `; ${rests}`}`;
}

/** What was learned has columns of its own once something was. */
const columnsOf = (hasLearned: boolean) => [
  column<OfferView>("offer", ({ name }) => name),
  column<OfferView>("cpus", ({ capacity }) => String(capacity.milliCpus / 1000), {
    align: "right",
  }),
  column<OfferView>("memory", ({ capacity }) => briefSize(capacity.memoryBytes), {
    align: "right",
  }),
  column<OfferView>("an hour", priceOf, { align: "right" }),
  column<OfferView>("power", powerOf),
  column<OfferView>("boot", ({ bootMs }) => bootOf(bootMs)),
  ...(hasLearned ? [column<OfferView>("seen", bootSeenOf)] : []),
  column<OfferView>("market", ({ market }) => market),
  column<OfferView>("interrupted", interruptionsOf),
  ...(hasLearned
    ? [column<OfferView>("seen", interruptionsSeenOf), column<OfferView>("gave", gaveOf)]
    : []),
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
      const columns = columnsOf(offers.some(({ learned }) => learned !== undefined));
      const table = offers.length > 0 ? tableText(offers, columns, out) : "";
      if (!out.isTty && table !== "") return table;
      return `${table}${printable(state)}${table === "" ? ", and offers nothing" : ""}.\n`;
    },
  };
}
