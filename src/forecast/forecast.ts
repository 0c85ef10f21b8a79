import type { Clock } from "#/base/clock.ts";
import { limits } from "#/base/limits.ts";
import { Chance } from "#/base/chance.ts";
import type { JobRecord } from "#/model/job.ts";
import { likelyArrivals } from "./arriving.ts";
import { bandOf, type Band } from "./band.ts";
import { likelyFates } from "./fates.ts";
import { Fork, type JobOutcome } from "./fork.ts";
import type { ForkSites } from "./fork-sites.ts";
import { machinesMicros } from "./machines-cost.ts";
import type { Moment } from "./moment.ts";

/** What will become of one job, as far as is known. Instants are wall clock. */
export interface JobForecast {
  job: string;
  /** The first of its tasks that had not begun does; undefined when none has to. */
  beginsAt?: Band;
  /** Undefined when it did not end in any fork: nothing that is there can run what is left of it. */
  endsAt?: Band;
  /** Millionths of the currency, in all; undefined when a price is not known. */
  costMicros?: Band;
  /** Undefined when a power is not known. */
  energyJoules?: Band;
  /** CO2 equivalent, by the intensities that are forecast. Undefined when nobody knows how clean the power is. */
  grams?: Band;
  /**
   * Share of the forks in which it ended at all, in which it succeeded, and in which it did so by its deadline.
   * Undefined where the only fork was given up before that: nobody knows.
   */
  ends?: number;
  succeeds?: number;
  inTime?: number;
  /** More of it may come than is known. */
  isPartial: boolean;
}

export interface Forecast {
  /** The instant that it was made from. */
  at: number;
  /** Runs of the fork that it stands on. */
  forks: number;
  /** The time limit came before all forks that were asked for had been run. */
  isCutShort: boolean;
  tookMs: number;
  jobs: JobForecast[];
  /** When the last job that ends does. */
  allEndAt?: Band;
  /** Millionths of the currency for all machines from now until then; undefined when a price is not known. */
  machinesMicros?: Band;
  /** Machines that are bought until then for what waits; absent where no job has a goal, and no project a fleet. */
  machinesBought?: Band;
}

export interface ForecastOptions {
  seed: number;
  forks: number;
  /** No fork is begun after this, and one under way is given up after twice that. */
  limitMs: number;
}

/**
 * Runs forks of a moment to their end, each with other chances, and sees how they differ: when jobs
 * end, and what they cost. At least one fork is run when it ends within limits.
 */
export async function forecast(
  moment: Moment,
  options: ForecastOptions,
  clock: Pick<Clock, "monotonicMs">,
): Promise<Forecast> {
  const { seed, forks, limitMs } = options;
  const startMs = clock.monotonicMs();
  const spentMs = () => clock.monotonicMs() - startMs;
  const outcomes: Map<string, JobOutcome>[] = [];
  const sites: (ForkSites | undefined)[] = [];
  let isUnfinished = false;
  for (let number = 0; number < forks; number++) {
    if (number > 0 && spentMs() > limitMs) break;
    const fates = likelyFates(moment.runTimes, seed, number);
    const fork = await Fork.open(moment, fates, new Chance(seed, -1 - number));
    likelyArrivals(fork, moment, new Chance(seed, number));
    const endMs = moment.now + limits.forecastHorizonMs;
    let isGivenUp = false;
    await fork.run(() => {
      isGivenUp ||= spentMs() > limitMs * 2;
      return fork.unended === 0 || isGivenUp || fork.clock.now() > endMs;
    });
    if (isGivenUp && number > 0) break;
    outcomes.push(fork.outcomes);
    sites.push(fork.sites);
    isUnfinished = isGivenUp && fork.unended > 0;
    if (isGivenUp) break;
  }
  const jobs = moment.jobs.map((job) =>
    isUnfinished && !outcomes[0]!.has(job.name)
      ? { job: job.name, isPartial: moment.partial.includes(job.name) }
      : jobForecast(job, outcomes, moment),
  );
  const whole = isUnfinished ? [] : outcomes;
  const runs = whole
    .map((of) => moment.jobs.map(({ name }) => of.get(name)?.endedAt ?? -Infinity))
    .map((of, number) => ({ end: Math.max(...of), sites: sites[number] }))
    .filter(({ end }) => Number.isFinite(end));
  const allEndAt = bandOf(runs.map(({ end }) => end));
  const machines = bandOf(
    runs.flatMap(({ end, sites: of }) => machinesMicros(moment, end, of) ?? []),
  );
  const machinesBought = bandOf(runs.flatMap(({ sites: of }) => of?.bought ?? []));
  return {
    at: moment.now,
    forks: outcomes.length,
    isCutShort: isUnfinished || outcomes.length < forks,
    tookMs: spentMs(),
    jobs,
    ...(allEndAt && { allEndAt }),
    ...(machines && { machinesMicros: machines }),
    ...(machinesBought && { machinesBought }),
  };
}

function jobForecast(
  { name: job, spec }: JobRecord,
  outcomes: readonly ReadonlyMap<string, JobOutcome>[],
  moment: Moment,
): JobForecast {
  const ended = outcomes.flatMap((of) => of.get(job) ?? []);
  const bands: Partial<JobForecast> = {};
  const beginsAt = bandOf(ended.flatMap((of) => of.beganAt ?? []));
  if (beginsAt) bands.beginsAt = beginsAt;
  const endsAt = bandOf(ended.map((of) => of.endedAt));
  if (endsAt) bands.endsAt = endsAt;
  for (const unit of ["costMicros", "energyJoules", "grams"] as const) {
    const known = ended.flatMap(({ usage }) => usage[unit] ?? []);
    const band = known.length === ended.length ? bandOf(known) : undefined;
    if (band) bands[unit] = band;
  }
  const succeeded = ended.filter(({ phase }) => phase === "succeeded");
  const deadlineAt = spec.goal?.deadlineAt;
  const inTime = succeeded.filter(({ endedAt }) => endedAt <= (deadlineAt ?? 0)).length;
  return {
    job,
    ...bands,
    ends: ended.length / outcomes.length,
    succeeds: succeeded.length / outcomes.length,
    ...(deadlineAt !== undefined && { inTime: inTime / outcomes.length }),
    isPartial: moment.partial.includes(job),
  };
}
