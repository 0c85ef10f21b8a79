import { limits } from "#/base/limits.ts";
import type { Space } from "#/space/space.ts";

/** Takes the oldest game days of a project out of memory, with their hits; reports find them in the log. */
export function archiveOld(space: Space, project: string): void {
  const ended = [...space.list("game-day", project)].filter(
    ({ status }) => status.phase === "ended",
  );
  const old = ended.slice(0, Math.max(0, ended.length - limits.gameDaysKeptMax));
  for (const gameDay of old) {
    space.commit((tx) => {
      for (const hit of space.list("hit", gameDay.name)) tx.archive<"hit">(hit);
      tx.archive<"game-day">(gameDay);
    });
  }
}
