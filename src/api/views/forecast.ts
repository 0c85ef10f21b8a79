import type { Band } from "#/forecast/band.ts";
import type { Forecast, JobForecast } from "#/forecast/forecast.ts";
import type { BandView, ForecastView, JobForecastView } from "#/model/forecast-views.ts";
import { formatMicros } from "#/model/units.ts";
import type { DoorParts } from "../parts.ts";
import { instantOf } from "./time.ts";

type Parts = Pick<DoorParts, "space" | "scheduler" | "currency">;

/** A forecast as the jobs of one project see it, or one job of it. */
export function forecastViewOf(
  parts: Parts,
  { at, forks, isCutShort, tookMs, jobs, allEndAt, machinesMicros, machinesBought }: Forecast,
  of: { project: string; job: string | undefined },
): ForecastView {
  return {
    at: instantOf(at),
    forks,
    isCutShort,
    tookMs,
    currency: parts.currency,
    jobs: jobs
      .filter(({ job }) => of.job === undefined || job === of.job)
      .flatMap((job) => viewOf(parts, job, of.project) ?? []),
    ...(allEndAt && { allEndAt: bandView(allEndAt, instantOf) }),
    ...(machinesMicros && { machinesCost: bandView(machinesMicros, formatMicros) }),
    ...(machinesBought && { machinesBought }),
  };
}

/** Undefined for one that is another project's, or is gone since. */
function viewOf(
  { space, scheduler }: Parts,
  {
    job,
    beginsAt,
    endsAt,
    costMicros,
    energyJoules,
    grams,
    ends,
    succeeds,
    inTime,
    isPartial,
  }: JobForecast,
  project: string,
): JobForecastView | undefined {
  const record = space.get("job", job);
  if (record?.project !== project) return undefined;
  const steps = [...space.list("step", job)];
  const hasBegun =
    steps.some(({ status }) => status.usage.attempts > 0) || scheduler.leases(job).length > 0;
  return {
    job,
    title: record.spec.title,
    phase: hasBegun ? "running" : "waiting",
    ...(beginsAt && { beginsAt: bandView(beginsAt, instantOf) }),
    ...(endsAt && { endsAt: bandView(endsAt, instantOf) }),
    ...(costMicros && { cost: bandView(costMicros, formatMicros) }),
    ...(energyJoules && { energyJoules }),
    ...(grams && { grams }),
    ...(ends !== undefined && { ends }),
    ...(succeeds !== undefined && { succeeds }),
    ...(inTime !== undefined && { inTime }),
    isPartial,
  };
}

function bandView<T>({ p10, p50, p90 }: Band, view: (value: number) => T): BandView<T> {
  return { p10: view(p10), p50: view(p50), p90: view(p90) };
}
