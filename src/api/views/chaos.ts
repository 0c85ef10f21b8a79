import { CanopyError } from "#/base/errors.ts";
import { nextRuns } from "#/model/hours.ts";
import type {
  ChaosPolicyView,
  GameDayReport,
  GameDayTotals,
  GameDayView,
  HitView,
} from "#/model/chaos-views.ts";
import { chaosTargets, gameDayId, type GameDayRecord, type HitRecord } from "#/model/game-day.ts";
import type { ChaosPolicyRecord } from "#/model/policy.ts";
import { indexOfTask } from "#/model/task.ts";
import type { Space } from "#/space/space.ts";
import { instantOf, maybeInstant } from "./time.ts";

const nextShown = 3;

/** A policy as the API shows it, with the game days that its schedule will begin. */
export function policyViewOf({ project, spec }: ChaosPolicyRecord, now: number): ChaosPolicyView {
  const { type: _, ...policy } = spec;
  const { schedule, autonomy, timeZone } = spec;
  const next =
    schedule && autonomy !== "manual"
      ? nextRuns(schedule, timeZone, now, nextShown).map((at) => instantOf(at))
      : [];
  return { ...policy, project, next } as ChaosPolicyView;
}

/** The game day of that id, live or archived. Throws "not-found". */
export async function findGameDay(
  space: Space,
  project: string,
  id: string,
): Promise<GameDayRecord> {
  const [found] = await space.find("game-day", [`${project}/${id}`]);
  if (found) return found;
  throw new CanopyError(
    "not-found",
    `Cannot find the game day '${id}' in the project '${project}'`,
    { hint: "See them all: canopy chaos ls" },
  );
}

/** A game day as lists show it. */
export function gameDayViewOf({ name, project, spec, status }: GameDayRecord): GameDayView {
  const { startedBy, startedAt, forMs, everyMs, targets, seed, dryRun } = spec;
  const { phase, endedAt, reason, isAlarm, refusals, refusal, restarts, downMs, hits } = status;
  return {
    id: gameDayId(name),
    project,
    phase,
    startedBy,
    startedAt: instantOf(startedAt),
    endedAt: maybeInstant(endedAt),
    forMs,
    everyMs,
    targets: [...targets],
    seed,
    dryRun,
    reason,
    alarm: isAlarm === true,
    refusals,
    refusal,
    restarts,
    downMs,
    hits,
  };
}

/** The same with every hit and the figures. */
export async function reportOf(space: Space, gameDay: GameDayRecord): Promise<GameDayReport> {
  const names = Array.from(
    { length: gameDay.status.hits },
    (_, number) => `${gameDay.name}/${number}`,
  );
  const hits = (await space.find("hit", names)).filter((hit) => hit !== undefined).map(hitViewOf);
  return { ...gameDayViewOf(gameDay), totals: totalsOf(hits), hitList: hits };
}

function hitViewOf({ name, spec, status }: HitRecord): HitView {
  const { target, subject, machine, at, why, victimCount } = spec;
  const { phase, noticedAt, noticedBy, releasedAt, releasedBy, healedAt, backAt } = status;
  const { lost, attemptsLost, wastedCpuMs } = status;
  const since = (instant: number | undefined) =>
    instant === undefined ? undefined : Math.max(0, Math.round(instant - at));
  return {
    number: indexOfTask(name),
    target,
    subject,
    machine,
    at: instantOf(at),
    why,
    phase,
    tasks: victimCount,
    noticedBy,
    noticeMs: since(noticedAt),
    releasedBy,
    releaseMs: since(releasedAt),
    healMs: since(healedAt),
    backMs: since(backAt),
    lost: [...lost],
    attemptsLost,
    wastedCpuMs: Math.round(wastedCpuMs),
  };
}

function totalsOf(hits: readonly HitView[]): GameDayTotals {
  const done = hits.filter(({ phase }) => phase !== "missed" && phase !== "dry");
  const inPhase = (phase: HitView["phase"]) => hits.filter((hit) => hit.phase === phase).length;
  const sum = (of: (hit: HitView) => number) => hits.reduce((total, hit) => total + of(hit), 0);
  return {
    hits: Object.fromEntries(
      chaosTargets.map((target) => [target, done.filter((hit) => hit.target === target).length]),
    ) as GameDayTotals["hits"],
    missed: inPhase("missed"),
    open: inPhase("open"),
    healed: inPhase("healed"),
    givenUp: inPhase("given-up"),
    notice: spreadOf(done.map(({ noticeMs }) => noticeMs)),
    heal: spreadOf(done.map(({ healMs }) => healMs)),
    tasksLost: new Set(hits.flatMap(({ lost }) => lost)).size,
    attemptsLost: sum(({ attemptsLost }) => attemptsLost),
    wastedCpuMs: sum(({ wastedCpuMs }) => wastedCpuMs),
  };
}

/** The median (of an even number, the mean of the two in the middle) and the worst. */
function spreadOf(times: readonly (number | undefined)[]): GameDayTotals["notice"] {
  const known = times.filter((time) => time !== undefined).sort((a, b) => a - b);
  if (known.length === 0) return {};
  const middle = (known.length - 1) / 2;
  const medianMs = (known[Math.floor(middle)]! + known[Math.ceil(middle)]!) / 2;
  return { medianMs, worstMs: known.at(-1)! };
}
