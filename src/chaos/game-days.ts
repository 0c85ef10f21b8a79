import { CanopyError } from "#/base/errors.ts";
import {
  gameDayId,
  type ChaosTarget,
  type GameDayRecord,
  type HitRecord,
  type HitSpec,
} from "#/model/game-day.ts";
import { chaosPolicyName, isChaosPolicy, type ChaosPolicyRecord } from "#/model/policy.ts";
import type { Space, Transaction } from "#/space/space.ts";

export interface GameDayWish {
  project: string;
  /** A new id, "g…". */
  id: string;
  startedBy: string;
  now: number;
  forMs: number;
  everyMs: number;
  /** All that the policy names when absent. */
  targets?: readonly ChaosTarget[];
  seed: number;
  dryRun: boolean;
}

const setPolicyHint = "canopy chaos policy set --targets task --hits 10 --at-once 1";

/** The chaos policy of a project. Throws "forbidden" when it has none: nothing is hit without one. */
export function requirePolicy(
  tx: Pick<Transaction, "get">,
  project: string,
  action: string,
): ChaosPolicyRecord {
  const policy = tx.get("policy", chaosPolicyName(project));
  if (isChaosPolicy(policy)) return policy;
  throw new CanopyError(
    "forbidden",
    `Cannot ${action} as the project '${project}' has no chaos policy, and without one nothing is hit`,
    { hint: setPolicyHint },
  );
}

/** The targets that were asked for. Throws "forbidden" when the policy does not name one of them. */
export function allowedTargets(
  { spec, project }: ChaosPolicyRecord,
  asked: readonly ChaosTarget[] = spec.targets,
): readonly ChaosTarget[] {
  const refused = asked.find((target) => !spec.targets.includes(target));
  if (refused === undefined) return asked;
  throw new CanopyError(
    "forbidden",
    `Cannot hit ${refused}s as the policy of '${project}' lets only ${spec.targets.map((target) => `${target}s`).join(" and ")} be hit`,
    { hint: `canopy chaos policy set --targets ${[...spec.targets, refused].join(",")}` },
  );
}

/** Begins a game day; its first hit comes with the next turn. Throws "forbidden" without a policy, "conflict" while one is on. */
export function startGameDay(space: Space, tx: Transaction, wish: GameDayWish): GameDayRecord {
  const { project, id, startedBy, now, forMs, everyMs, seed, dryRun } = wish;
  const policy = requirePolicy(tx, project, "begin a game day");
  const targets = allowedTargets(policy, wish.targets);
  const other = liveGameDay(space, project);
  if (other) {
    throw new CanopyError(
      "conflict",
      `Cannot begin a game day as a project has one at a time: ${gameDayId(other.name)} is ${other.status.phase}`,
      { hint: `canopy chaos stop ${gameDayId(other.name)}` },
    );
  }
  const name = `${project}/${id}`;
  if (tx.get("game-day", name))
    throw new CanopyError("unavailable", "Cannot begin a game day as its id is taken; try again", {
      retryAfterMs: 0,
    });
  return tx.put<"game-day">({
    kind: "game-day",
    project,
    name,
    spec: {
      startedBy,
      startedAt: now,
      forMs,
      everyMs,
      targets,
      seed,
      dryRun,
      policy: policy.spec,
    },
    status: {
      phase: "running",
      hits: 0,
      nextAt: now,
      refusals: 0,
      seenAt: now,
      restarts: 0,
      downMs: 0,
    },
  });
}

/** Lets it hit no more; it ends when what it hit has healed. Stopping twice does nothing more. */
export function stopGameDay(
  tx: Transaction,
  name: string,
  { reason, isAlarm }: { reason: string; isAlarm: boolean },
): GameDayRecord {
  const record = tx.get("game-day", name)!;
  if (record.status.phase !== "running") return record;
  return tx.put<"game-day">({
    ...record,
    status: { ...record.status, phase: "healing", reason, ...(isAlarm && { isAlarm }) },
  });
}

/** The one that has not ended, if there is one. */
export function liveGameDay(space: Space, project: string): GameDayRecord | undefined {
  return [...space.list("game-day", project)].find(({ status }) => status.phase !== "ended");
}

/** Records a decision; the game day's next hit is due at `nextAt`. */
export function recordHit(
  tx: Transaction,
  gameDay: GameDayRecord,
  spec: HitSpec,
  nextAt: number,
): HitRecord {
  const { project, name, status } = gameDay;
  tx.put<"game-day">({ ...gameDay, status: { ...status, hits: status.hits + 1, nextAt } });
  return tx.put<"hit">({
    kind: "hit",
    project,
    name: `${name}/${status.hits}`,
    spec,
    status: {
      phase: gameDay.spec.dryRun ? "dry" : "open",
      lost: [],
      attemptsLost: 0,
      wastedCpuMs: 0,
    },
  });
}
