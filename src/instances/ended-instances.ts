import type { Clock } from "#/base/clock.ts";
import { limits } from "#/base/limits.ts";
import type { Space } from "#/space/space.ts";

const atOnceMax = 1000;

/** What is terminated is told of for an hour, as EC2 does, and goes into the archive then, with what it has cost. */
export function archiveEndedInstances({
  space,
  clock,
}: {
  space: Space;
  clock: Pick<Clock, "now">;
}): void {
  const before = clock.now() - limits.terminatedKeptMs;
  const ended = [...space.all("instance")].filter(
    ({ status }) =>
      status.state === "terminated" && !status.left?.length && (status.terminatedAt ?? 0) < before,
  );
  if (ended.length === 0) return;
  space.commit((tx) => {
    for (const record of ended.slice(0, atOnceMax)) tx.archive<"instance">(record);
  });
}
