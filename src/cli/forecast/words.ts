import type { BandView, ForecastView, JobForecastView } from "#/model/forecast-views.ts";
import { briefDuration, briefEnergy, briefGrams } from "#/model/units.ts";
import { phaseCell } from "../words.ts";
import { column, type Column } from "../result.ts";
import { tableText } from "../table.ts";
import type { Output } from "../terminal.ts";

/** "2m10s (1m50s to 4m)": how long from an instant on; "never" or "unknown" without one. */
export function waitOf(
  band: BandView<string> | undefined,
  at: string,
  otherwise: "never" | "unknown" = "never",
): string {
  if (!band) return otherwise;
  const from = Date.parse(at);
  const brief = (instant: string) => briefDuration(Math.max(0, Date.parse(instant) - from));
  return bandText({ p10: brief(band.p10), p50: brief(band.p50), p90: brief(band.p90) });
}

export function moneyBandOf(band: BandView<string> | undefined, currency: string): string {
  return band ? `${bandText(band)} ${currency}` : "unknown";
}

/** A band of energy or CO2. */
export function amountBandOf(
  band: BandView<number> | undefined,
  brief: (amount: number) => string,
): string {
  if (!band) return "unknown";
  return bandText({ p10: brief(band.p10), p50: brief(band.p50), p90: brief(band.p90) });
}

/** How long until a job ends. */
export function endOf(job: JobForecastView | undefined, at: string): string {
  return waitOf(job?.endsAt, at, withoutEnd(job));
}

/** How long until all jobs have ended. */
export function allEndOf({ jobs, allEndAt, at }: ForecastView): string {
  return waitOf(allEndAt, at, jobs.some(({ ends }) => ends === undefined) ? "unknown" : "never");
}

function withoutEnd(job: JobForecastView | undefined): "never" | "unknown" {
  return job && job.ends === undefined ? "unknown" : "never";
}

function bandText({ p10, p50, p90 }: BandView<string>): string {
  return p10 === p90 ? p50 : `${p50} (${p10} to ${p90})`;
}

const percentOf = (share: number | undefined) =>
  share === undefined ? "" : `${Math.round(share * 100)}%`;

/** The jobs of a forecast as a table, and under it what it stands on. */
export function forecastText(forecast: ForecastView, out: Output): string {
  const { at, currency, jobs } = forecast;
  const columns: Column[] = [
    column<JobForecastView>("job", ({ job }) => job),
    column<JobForecastView>("title", ({ title }) => title, { flexible: true }),
    column<JobForecastView>("phase", ({ phase }) => phaseCell(phase)),
    column<JobForecastView>("begins in", (job) =>
      job.phase === "waiting" ? waitOf(job.beginsAt, at, withoutEnd(job)) : "",
    ),
    column<JobForecastView>("ends in", (job) =>
      job.isPartial && job.endsAt ? `${endOf(job, at)} or later` : endOf(job, at),
    ),
    column<JobForecastView>("cost", ({ cost }) => moneyBandOf(cost, currency)),
    column<JobForecastView>("energy", (job) => amountBandOf(job.energyJoules, briefEnergy)),
    column<JobForecastView>("CO2", ({ grams }) => amountBandOf(grams, briefGrams)),
    column<JobForecastView>("succeeds", ({ succeeds }) => percentOf(succeeds) || "unknown"),
    ...(jobs.some(({ inTime }) => inTime !== undefined)
      ? [column<JobForecastView>("in time", ({ inTime }) => percentOf(inTime))]
      : []),
  ];
  const table = tableText(jobs, columns, out);
  if (!out.isTty) return table;
  return `${table}\n${out.paint("dim", footOf(forecast))}\n`;
}

/** That there was no time for all of it, also where no person reads; undefined where there was. */
export function cutNoteOf({ isCutShort, forks, tookMs, jobs }: ForecastView): string | undefined {
  if (!isCutShort) return undefined;
  const unknown = jobs.filter(({ ends }) => ends === undefined).length;
  const stands = `Cut short after ${briefDuration(tookMs)}: it stands on ${forks} ${forks === 1 ? "fork" : "forks"}`;
  if (unknown === 0) return stands;
  return `${stands}, which was given up before ${unknown === 1 ? "one job" : `${unknown} jobs`} had ended in it: when they will is unknown`;
}

function footOf({
  forks,
  tookMs,
  allEndAt,
  at,
  machinesCost,
  machinesBought,
  currency,
}: ForecastView) {
  const forksText = `${forks} ${forks === 1 ? "fork" : "forks"}`;
  return [
    ...(allEndAt ? [`all end in ${waitOf(allEndAt, at)}`] : []),
    ...(machinesCost ? [`machines until then ${moneyBandOf(machinesCost, currency)}`] : []),
    ...(machinesBought && machinesBought.p90 > 0
      ? [`${machinesBought.p10} to ${machinesBought.p90} machines are bought`]
      : []),
    `likely value (one time in ten below, one in ten above), of ${forksText} in ${briefDuration(tookMs)}`,
  ].join(" · ");
}
