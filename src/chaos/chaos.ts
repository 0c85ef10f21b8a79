import type { Clock, Timer } from "#/base/clock.ts";
import { CanopyError } from "#/base/errors.ts";
import { newId } from "#/base/ids.ts";
import { limits } from "#/base/limits.ts";
import type { Log } from "#/base/log.ts";
import { startLoop, type Loop } from "#/base/loop.ts";
import type { Random } from "#/base/random.ts";
import { seedMax, type Fault, type GameDayRecord, type HitRecord } from "#/model/game-day.ts";
import {
  chaosPolicyName,
  isChaosPolicy,
  policyOf,
  type ChaosPolicy,
  type ChaosPolicyRecord,
} from "#/model/policy.ts";
import type { Change } from "#/model/record.ts";
import type { Space } from "#/space/space.ts";
import { alarmOf } from "./alarms.ts";
import { choicesOf, choose } from "./choose.ts";
import { dice } from "./dice.ts";
import { archiveOld } from "./ended-game-days.ts";
import { recordHit, startGameDay, stopGameDay } from "./game-days.ts";
import { nextRuns } from "#/model/hours.ts";
import { OpenHits } from "./open-hits.ts";
import { situationOf, type Field } from "./situation.ts";

export interface ChaosParts {
  space: Space;
  field: Field & {
    /** Told of links and hits as they happen. */
    onHappening(listener: {
      linked(machine: string): void;
      unlinked(machine: string): void;
      struck(hit: string, wasThere: boolean): void;
    }): void;
  };
  clock: Clock;
  random: Random;
  log: Log;
}

/** A hit that is due and may not happen is tried again after this. */
const refusedMs = 1000;
/** A game day of the schedule that was due so shortly before a start of the control plane begins late. */
const startMissedMs = 60_000;
/** The faces of a throw: 0 and 1 choose what is hit, this one when the next hit comes. */
const timeFace = 2;

/**
 * Starts the loop that carries game days on: it begins those of a schedule, decides each hit within the
 * policy as it is at that moment, records the decision, and only then has it done; it follows what heals,
 * and stops by itself when something does not. All that it knows is in the records, so that a game day
 * goes on when the control plane itself was killed.
 */
export function startChaos(parts: ChaosParts): { stop(): void } {
  return new ChaosLoop(parts);
}

class ChaosLoop {
  #parts: ChaosParts;
  #hits: OpenHits;
  #loop: Loop;
  #timer: Timer | undefined;
  #stopListening: () => void;
  #isStopped = false;
  /** Jobs that have failed, by project, since this start. */
  #failedJobs = new Map<string, { job: string; at: number }>();
  /** By game day: a due hit that was refused is tried again then. */
  #againAt = new Map<string, number>();
  #scheduledUntil: number;
  /** Game days from before this start, whose gap is not yet written. */
  #earlier: Set<string>;

  constructor(parts: ChaosParts) {
    const { space, field, clock, log } = parts;
    this.#parts = parts;
    this.#hits = new OpenHits(space, field, clock);
    this.#earlier = new Set(this.#live().map(({ name }) => name));
    this.#scheduledUntil = clock.now() - startMissedMs;
    this.#stopListening = space.onApplied((changes) => this.#see(changes));
    field.onHappening({
      linked: (machine) => (this.#hits.linked(machine), this.#wakeIfLive()),
      unlinked: (machine) => (this.#hits.unlinked(machine), this.#wakeIfLive()),
      struck: (hit, wasThere) => {
        if (!wasThere) this.#hits.get(hit)?.missed();
      },
    });
    this.#loop = startLoop("chaos", () => this.#turn(), {
      clock,
      log,
      everyMs: limits.gameDayScheduleLookMs,
    });
    this.#loop.wake();
  }

  stop(): void {
    this.#isStopped = true;
    this.#stopListening();
    this.#timer?.cancel();
    this.#loop.stop();
  }

  #see(changes: readonly Change[]): void {
    this.#hits.applied(changes);
    for (const { op, record } of changes) {
      if (record.kind === "task") continue; // nearly all are
      if (record.kind === "policy") this.#loop.wake();
      if (record.kind === "game-day" && record.status.phase !== "ended") this.#loop.wake();
      // It is archived long after it has failed.
      if (record.kind === "job" && record.status.phase === "failed" && op === "put")
        this.#failedJobs.set(record.project, { job: record.name, at: this.#parts.clock.now() });
    }
  }

  #wakeIfLive(): void {
    if (this.#hits.count > 0) this.#loop.wake();
  }

  #live(): GameDayRecord[] {
    return [...this.#parts.space.all("game-day")].filter(({ status }) => status.phase !== "ended");
  }

  async #turn(): Promise<void> {
    this.#timer?.cancel();
    this.#beginScheduled();
    await this.#hits.look();
    if (this.#isStopped) return;
    this.#write();
    for (const gameDay of this.#live()) {
      this.#seen(gameDay.name);
      this.#stopIfMust(gameDay.name);
      await this.#hitIfDue(gameDay.name);
      if (this.#isStopped) return;
      this.#endIfHealed(gameDay.name);
    }
    if (this.#live().length > 0 || this.#hits.count > 0)
      this.#timer = this.#parts.clock.after(limits.gameDayLookMs, () => this.#loop.wake(), true);
  }

  #write(): void {
    const due = this.#hits.due();
    if (due.length === 0) return;
    this.#parts.space.commit((tx) => {
      for (const hit of due) {
        const record = tx.get("hit", hit.record.name);
        if (record) tx.put<"hit">({ ...record, status: hit.status });
      }
    });
    this.#hits.written(due);
  }

  #policyOf(project: string): ChaosPolicy | undefined {
    return policyOf(this.#parts.space.get("policy", chaosPolicyName(project)), "chaos");
  }

  /** Says every now and then that the control plane lives, and after a start for how long it did not. */
  #seen(name: string): void {
    const now = this.#parts.clock.now();
    const isEarlier = this.#earlier.delete(name);
    const { seenAt } = this.#parts.space.get("game-day", name)!.status;
    if (!isEarlier && now - seenAt < limits.gameDaySeenMs) return;
    this.#change(name, (status) => ({
      ...status,
      seenAt: now,
      ...(isEarlier && {
        restarts: status.restarts + 1,
        downMs: status.downMs + Math.max(0, now - seenAt),
      }),
    }));
  }

  #stopIfMust(name: string): void {
    const { space, field, clock } = this.#parts;
    const gameDay = space.get("game-day", name)!;
    if (gameDay.status.phase !== "running") return;
    const now = clock.now();
    const { startedAt, forMs, policy: policyThen } = gameDay.spec;
    const policy = this.#policyOf(gameDay.project);
    const failed = this.#failedJobs.get(gameDay.project);
    const alarm = alarmOf(gameDay, policy, {
      now,
      open: this.#hits.of(name),
      lost: [...space.list("hit", name)].flatMap(({ status }) => status.lost),
      failedJob: failed && failed.at >= startedAt ? failed.job : undefined,
      connected: field.machines().filter(({ connected }) => connected).length,
    });
    const hitsMax = Math.min(policyThen.hitsMax, policy?.hitsMax ?? 0);
    const isOver = now >= startedAt + forMs || gameDay.status.hits >= hitsMax;
    if (alarm === undefined && !isOver) return;
    const reason =
      alarm ?? (now >= startedAt + forMs ? "its time was up" : `it had its ${hitsMax} hits`);
    space.commit((tx) => stopGameDay(tx, name, { reason, isAlarm: alarm !== undefined }));
    if (alarm !== undefined)
      this.#parts.log.warn("a game day stops by itself", { gameDay: name, reason });
  }

  async #hitIfDue(name: string): Promise<void> {
    const { space, field, clock, log } = this.#parts;
    const gameDay = space.get("game-day", name)!;
    const policy = this.#policyOf(gameDay.project);
    const now = clock.now();
    const dueAt = Math.max(gameDay.status.nextAt, this.#againAt.get(name) ?? 0);
    if (gameDay.status.phase !== "running" || !policy || now < dueAt) return;
    const situation = situationOf(space, field, now);
    const progress = {
      project: gameDay.project,
      hits: gameDay.status.hits,
      lastAt: lastHitAt(space, gameDay.project),
    };
    const choices = choicesOf(policy, situation, progress, gameDay.spec.targets);
    const draw = { seed: gameDay.spec.seed, number: gameDay.status.hits, now };
    const spec = choices.refusal === undefined && choose(policy, choices, progress, draw);
    if (!spec) return this.#refused(name, choices.refusal ?? whyNone(choices.keptOut));
    this.#againAt.delete(name);
    const rest = gameDay.spec.everyMs * (0.5 + dice(draw.seed, draw.number, timeFace));
    const nextAt = now + Math.max(policy.gapMs, Math.round(rest));
    const { value: hit, durable } = space.commit((tx) =>
      recordHit(tx, tx.get("game-day", name)!, spec, nextAt),
    );
    if (gameDay.spec.dryRun) return;
    const open = this.#hits.add(hit);
    await durable; // nobody is hit before it is known why
    if (this.#isStopped) return;
    log.warn("a game day hits", { hit: hit.name, target: spec.target, subject: spec.subject });
    if (!field.strike(spec.machine, faultOf(hit))) open.missed();
  }

  /** Tried again soon; a row of refusals is one. */
  #refused(name: string, refusal: string): void {
    const isNew = !this.#againAt.has(name);
    this.#againAt.set(name, this.#parts.clock.now() + refusedMs);
    this.#change(name, (status) =>
      !isNew && status.refusal === refusal
        ? status
        : { ...status, refusal, refusals: status.refusals + (isNew ? 1 : 0) },
    );
  }

  #endIfHealed(name: string): void {
    const { space, clock } = this.#parts;
    const gameDay = space.get("game-day", name)!;
    if (gameDay.status.phase !== "healing") return;
    const now = clock.now();
    const open = this.#hits.of(name);
    const { healMsMax } = gameDay.spec.policy;
    for (const hit of open) if (now - hit.record.spec.at > healMsMax) hit.giveUp();
    this.#write();
    if (this.#hits.of(name).length > 0) return;
    this.#change(name, (status) => ({ ...status, phase: "ended", endedAt: now }));
    this.#againAt.delete(name);
    archiveOld(space, gameDay.project);
  }

  #beginScheduled(): void {
    const { space, clock } = this.#parts;
    const now = clock.now();
    const since = this.#scheduledUntil;
    this.#scheduledUntil = now;
    for (const policy of space.all("policy")) {
      if (!isChaosPolicy(policy)) continue;
      const { schedule, autonomy, timeZone } = policy.spec;
      if (!schedule || autonomy === "manual") continue;
      const [due = Infinity] = nextRuns(schedule, timeZone, since, 1);
      const hasBegun = [...space.list("game-day", policy.project)].some(
        ({ spec }) => spec.startedBy === "schedule" && spec.startedAt >= due,
      );
      if (due <= now && !hasBegun) this.#begin(policy);
    }
  }

  #begin({ project, spec }: ChaosPolicyRecord): void {
    const { space, clock, random, log } = this.#parts;
    const { forMs, everyMs } = spec.schedule!;
    const isTaken = (one: string) => space.get("game-day", `${project}/${one}`) !== undefined;
    const id = newId("g", { clock, random }, isTaken);
    const seed = Math.floor(random.fraction() * seedMax);
    const dryRun = spec.autonomy === "observe";
    const now = clock.now();
    try {
      space.commit((tx) =>
        startGameDay(space, tx, {
          project,
          id,
          startedBy: "schedule",
          now,
          forMs,
          everyMs,
          seed,
          dryRun,
        }),
      );
    } catch (thrown) {
      if (!(thrown instanceof CanopyError)) throw thrown;
      log.warn("a game day of the schedule did not begin", { project, reason: thrown.message });
    }
  }

  #change(name: string, next: (status: GameDayRecord["status"]) => GameDayRecord["status"]): void {
    this.#parts.space.commit((tx) => {
      const record = tx.get("game-day", name)!;
      const status = next(record.status);
      if (status !== record.status) tx.put<"game-day">({ ...record, status });
    });
  }
}

function faultOf({ name, spec }: HitRecord): Fault {
  const { target, victims, awayMs = 0 } = spec;
  if (target === "agent") return { kind: "agent", hit: name };
  if (target === "machine") return { kind: "machine", hit: name, awayMs };
  const { task, fence } = victims[0]!;
  return { kind: "task", hit: name, task: [task, fence] };
}

function lastHitAt(space: Space, project: string): number | undefined {
  let last: number | undefined;
  for (const { project: of, spec } of space.all("hit"))
    if (of === project && (last === undefined || spec.at > last)) last = spec.at;
  return last;
}

function whyNone(keptOut: readonly { target: string; subject: string; why: string }[]): string {
  const [first] = keptOut;
  if (!first) return "nothing that may be hit is under way";
  return `nothing that is there may be hit; ${first.subject}, say, is kept out as ${first.why}`;
}
