import { Knowledge } from "#/autonomic/knowledge/follow.ts";
import { silent } from "#/base/log.ts";
import { machineOf } from "#/forecast/offered.ts";
import { bandOf, type Band } from "#/forecast/band.ts";
import { forecast } from "#/forecast/forecast.ts";
import { Fork } from "#/forecast/fork.ts";
import { takeMoment, type Moment } from "#/forecast/moment.ts";
import { emptyMoment } from "#/forecast/recording.ts";
import { submitJob } from "#/jobs/submit.ts";
import { ratesOf } from "#/meter/prices.ts";
import { jobRequest } from "#/model/job-request.ts";
import { jobOf } from "#/model/task.ts";
import { readArrivals, type Arrival } from "./arrivals.ts";
import { quantile, type BenchOptions, type Report } from "./figures.ts";

const machines = 6;
const cpusOfMachine = 4;
const forks = 29;
const seed = 1;
const dayMs = 24 * 3_600_000;
/** Everything that runs or waits is forecast anew this often. */
const againMs = dayMs / 4;
/** Jobs that only teach: nothing is known before them. */
const first = 30;

/** One forecast of one job, and what came of it; all in milliseconds of simulated time. */
interface Told {
  band: Band;
  /** What is known without a fork: run times of jobs before, from when it was submitted. */
  naive: Band | undefined;
  at: number;
  endedAt: number;
  isWaiting: boolean;
}

/**
 * Whether bands hold what they say. Recorded jobs are submitted to a simulated cloud at the times they
 * were; when each is, and every six hours after that, its end is forecast from what the cloud knows by
 * then: its needs, and how long others took or have run so far. Nobody tells how long it will take.
 */
export async function benchForecast({ data, say }: BenchOptions): Promise<Report> {
  const arrivals = await readArrivals(data!);
  say(`forecast: ${arrivals.length} jobs on ${machines} machines of ${cpusOfMachine} CPUs`);
  const { moments, ends } = await record(arrivals);
  const begunMs = performance.now();
  const atSubmission: Told[] = [];
  const later = new Map<string, Told[]>();
  for (const { moment, submitted } of moments) {
    const running = new Set(moment.held.map(({ task }) => jobOf(task)));
    const options = { seed, forks, limitMs: Infinity };
    const found = await forecast(moment, options, { monotonicMs: () => performance.now() });
    const past = pastOf(moment);
    for (const { job, endsAt: band } of found.jobs) {
      const { submittedAt } = moment.jobs.find(({ name }) => name === job)!.spec;
      const endedAt = ends.get(job)!;
      if (!band) throw new Error(`Cannot tell when job ${job} ends: no fork ended it`);
      const shifted = past.length < first ? undefined : naiveBand(past, submittedAt, moment.now);
      const told = { band, naive: shifted, at: moment.now, endedAt, isWaiting: !running.has(job) };
      if (submitted === job) atSubmission.push(told);
      else if (submitted === undefined) later.set(job, [...(later.get(job) ?? []), told]);
    }
  }
  const judged = atSubmission.slice(first);
  const afterwards = [...later.values()].flat();
  const everyJob = [...later.values()].map((of) => share(of));
  return {
    bench: "forecast",
    figures: {
      jobs: judged.length,
      inBandAtSubmissionShare: share(judged),
      belowBandAtSubmissionShare: mean(judged.map(({ band, endedAt }) => +(endedAt < band.p10))),
      inBandOfThoseThatWaitShare: share(judged.filter(({ isWaiting }) => isWaiting)),
      inBandLaterShare: share(afterwards),
      inBandLaterMeanOfJobsShare: mean(everyJob),
      belowBandLaterShare: mean(afterwards.map(({ band, endedAt }) => +(endedAt < band.p10))),
      inBandLaterOfThoseThatWaitShare: share(afterwards.filter(({ isWaiting }) => isWaiting)),
      laterThatWait: afterwards.filter(({ isWaiting }) => isWaiting).length,
      submittedThatWait: judged.filter(({ isWaiting }) => isWaiting).length,
      forecastsLater: afterwards.length,
      medianWidthHours: median(judged.map(({ band }) => width(band))) / 3_600_000,
      medianErrorHours:
        median(judged.map(({ band, endedAt }) => Math.abs(endedAt - band.p50))) / 3_600_000,
      intervalScoreHours: score(judged.map(({ band, endedAt }) => ({ band, endedAt }))),
      laterMedianWidthHours: median(afterwards.map(({ band }) => width(band))) / 3_600_000,
      laterIntervalScoreHours: score(afterwards.map(({ band, endedAt }) => ({ band, endedAt }))),
      forks: moments.length * forks,
      seconds: (performance.now() - begunMs) / 1000,
    },
    peers: {
      "run times of earlier jobs, from submission": {
        inBandAtSubmissionShare: naiveShare(judged),
        inBandLaterShare: naiveShare(afterwards),
        medianWidthHours: median(naives(judged).map(({ band }) => width(band))) / 3_600_000,
        intervalScoreHours: score(naives(judged)),
        laterMedianWidthHours:
          median(naives(afterwards).map(({ band }) => width(band))) / 3_600_000,
        laterIntervalScoreHours: score(naives(afterwards)),
      },
    },
    ratios: {
      intervalScore: score(naives(judged)) / score(judged),
      laterIntervalScore: score(naives(afterwards)) / score(afterwards),
    },
  };
}

/** The cloud as it went, with each moment at which something was to be forecast. */
async function record(arrivals: readonly Arrival[]) {
  const startMs = Date.UTC(2030, 0, 1);
  const lengths = new Map(arrivals.map(({ lengthMs }, number) => [`j${number}`, lengthMs]));
  const capacity = { milliCpus: cpusOfMachine * 1000, memoryBytes: 16 * 2 ** 30 };
  const pool = Array.from({ length: machines }, (_, number) =>
    machineOf(`m${number}`, capacity, { site: "bench", labels: {}, rates: ratesOf(capacity) }),
  );
  const fork = await Fork.open(emptyMoment(startMs, pool), {
    runMs: (_step, { task }) => lengths.get(jobOf(task))!,
    fails: () => false,
  });
  const { clock, space, scheduler } = fork;
  const knowledge = new Knowledge(space);
  knowledge.start({ clock, log: silent });
  const moments: { moment: Moment; submitted: string | undefined }[] = [];
  const keep = async (submitted: string | undefined) => {
    const moment = await takeMoment({ space, scheduler, clock, knowledge, offers: () => [] });
    if (moment.jobs.length > 0) moments.push({ moment, submitted });
  };
  arrivals.forEach(({ atMs, cpus }, number) => {
    clock.after(atMs, () => {
      const id = `j${number}`;
      const step = { name: "work", run: { driver: "process", command: ["work"] }, needs: { cpus } };
      const request = jobRequest.parse({ title: "work", steps: [step] });
      const asked = { request, project: "p", submittedBy: "bench", now: clock.now(), id };
      space.commit((tx) => submitJob(tx, asked));
      // when it is known to the scheduler, as for whoever asks after submitting
      clock.after(1, () => void keep(id));
    });
  });
  const lastMs = arrivals.at(-1)!.atMs;
  for (let atMs = againMs; atMs < lastMs + 2 * dayMs; atMs += againMs)
    clock.after(atMs, () => void keep(undefined));
  await fork.run(() => false);
  const ends = new Map([...fork.outcomes].map(([job, { endedAt }]) => [job, endedAt]));
  if (ends.size < arrivals.length) throw new Error("Cannot go on as some jobs never ended");
  return { moments, ends };
}

const pastOf = ({ runTimes }: Moment) => runTimes.sorts.get("all")?.endedMs ?? [];

/** What no simulation is needed for: it takes as long as nine in ten of those before, from when it was submitted. */
function naiveBand(past: readonly number[], submittedAt: number, now: number): Band {
  const longer = past.filter((ms) => submittedAt + ms > now);
  const band = bandOf(longer.length > 0 ? longer : [now - submittedAt])!;
  return {
    p10: submittedAt + band.p10,
    p50: submittedAt + band.p50,
    p90: submittedAt + band.p90,
  };
}

const naives = (told: readonly Told[]) =>
  told.flatMap(({ naive, endedAt }) => (naive ? [{ band: naive, endedAt }] : []));
const isIn = ({ p10, p90 }: Band, at: number) => at >= p10 && at <= p90;
const share = (told: readonly { band: Band; endedAt: number }[]) =>
  mean(told.map(({ band, endedAt }) => +isIn(band, endedAt)));
const naiveShare = (told: readonly Told[]) => share(naives(told));
const width = ({ p10, p90 }: Band) => p90 - p10;
const mean = (values: readonly number[]) =>
  values.reduce((sum, value) => sum + value, 0) / values.length;
const median = (values: number[]) => quantile(values, 0.5);

/**
 * The interval score of T. Gneiting and A. Raftery, JASA 102, 2007, in hours: the width of the band, and
 * ten times by how much it missed. A band that is wide for nothing scores as badly as one that misses.
 */
function score(told: readonly { band: Band; endedAt: number }[]): number {
  const scores = told.map(({ band, endedAt }) => {
    const missed = Math.max(band.p10 - endedAt, endedAt - band.p90, 0);
    return width(band) + (2 / 0.2) * missed;
  });
  return mean(scores) / 3_600_000;
}
