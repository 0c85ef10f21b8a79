import type { BandView, ForecastView, JobForecastView } from "#/model/forecast-views.ts";
import { briefDuration, briefEnergy, briefGrams } from "#/model/units.ts";
import { phaseCell } from "../words.ts";
import { column, type Column } from "../result.ts";
import { tableText } from "../table.ts";
import type { Output } from "../terminal.ts";

/** "2m10s (1m50s to 4m)": how long from an instant on. */
export function waitOf(band: BandView<string> | undefined, at: string): string {
  if (!band) return "never";
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
    column<JobForecastView>("begins in", ({ phase, beginsAt }) =>
      phase === "waiting" ? waitOf(beginsAt, at) : "",
    ),
    column<JobForecastView>("ends in", ({ endsAt, isPartial }) =>
      isPartial && endsAt ? `${waitOf(endsAt, at)} or later` : waitOf(endsAt, at),
    ),
    column<JobForecastView>("cost", ({ cost }) => moneyBandOf(cost, currency)),
    column<JobForecastView>("energy", (job) => amountBandOf(job.energyJoules, briefEnergy)),
    column<JobForecastView>("CO2", ({ grams }) => amountBandOf(grams, briefGrams)),
    column<JobForecastView>("succeeds", ({ succeeds }) => percentOf(succeeds)),
    ...(jobs.some(({ inTime }) => inTime !== undefined)
      ? [column<JobForecastView>("in time", ({ inTime }) => percentOf(inTime))]
      : []),
  ];
  const table = tableText(jobs, columns, out);
  if (!out.isTty) return table;
  return `${table}\n${out.paint("dim", footOf(forecast))}\n`;
}

function footOf({
  forks,
  isCutShort,
  tookMs,
  allEndAt,
  at,
  machinesCost,
  machinesBought,
  currency,
}: ForecastView) {
  const forksText = `${forks} ${forks === 1 ? "fork" : "forks"}${isCutShort ? ", cut short" : ""}`;
  return [
    ...(allEndAt ? [`all end in ${waitOf(allEndAt, at)}`] : []),
    ...(machinesCost ? [`machines until then ${moneyBandOf(machinesCost, currency)}`] : []),
    ...(machinesBought && machinesBought.p90 > 0
      ? [`${machinesBought.p10} to ${machinesBought.p90} machines are bought`]
      : []),
    `likely value (one time in ten below, one in ten above), of ${forksText} in ${briefDuration(tookMs)}`,
  ].join(" · ");
}
