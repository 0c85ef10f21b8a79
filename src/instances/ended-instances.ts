import type { Clock } from "#/base/clock.ts";
import { limits } from "#/base/limits.ts";
import type { Space, Transaction } from "#/space/space.ts";

const atOnceMax = 1000;

/** What is terminated is told of for an hour, as EC2 does, and goes into the archive then, with what it has cost: nobody is told of it any more. */
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
    endSubscriptions(tx, space);
  });
}

/** Those of certain instances are of those that are still there, and go with the last one. */
function endSubscriptions(tx: Transaction, space: Pick<Space, "all">): void {
  for (const { spec, ...subscription } of space.all("event-subscription")) {
    if (!spec.instances) continue;
    const instances = spec.instances.filter((name) => tx.get("instance", name));
    if (instances.length === 0) tx.delete("event-subscription", subscription.name);
    else if (instances.length < spec.instances.length)
      tx.put<"event-subscription">({ ...subscription, spec: { ...spec, instances } });
  }
}
