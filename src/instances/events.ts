import type { Clock } from "#/base/clock.ts";
import { newId } from "#/base/ids.ts";
import { limits } from "#/base/limits.ts";
import type { Random } from "#/base/random.ts";
import { uuid } from "#/base/uuid.ts";
import { accountIdOf } from "#/model/account.ts";
import { isToldOf, type EventSubscriptionRecord } from "#/model/event-subscription.ts";
import {
  eventsOf,
  messageOfInstanceEvent,
  type InstanceEventName,
} from "#/model/instance-event.ts";
import type { InstanceRecord } from "#/model/instance.ts";
import { newNotice, noticeName } from "#/model/notice.ts";
import type { Space, Transaction } from "#/space/space.ts";

interface Parts {
  space: Space;
  clock: Clock;
  random: Random;
  region: string;
}

/**
 * From now on what happens to instances is kept for those who are to be told, by the very commit that makes it so, whoever
 * commits it: nothing that was acknowledged goes untold, and nothing is told that was not. The notices are delivered as those of buckets are.
 */
export function tellInstanceEvents(parts: Parts): void {
  const { space } = parts;
  space.onStaged("instance", (tx, changes) => {
    for (const { op, record } of changes) {
      if (op !== "put" || record.kind !== "instance") continue;
      for (const event of eventsOf(space.get("instance", record.name), record))
        tell(parts, tx, record, event);
    }
  });
}

function tell(
  parts: Parts,
  tx: Transaction,
  instance: InstanceRecord,
  event: InstanceEventName,
): void {
  const { space, clock, random, region } = parts;
  const project = space.get("project", instance.project);
  const told = [...space.list("event-subscription", instance.project)].filter((subscription) =>
    isToldOf(subscription, instance, event),
  );
  if (!project || told.length === 0) return;
  const zone = space.get("subnet", instance.spec.network.subnet)?.spec.zone ?? region;
  const at = clock.now();
  const about = { id: uuid(random), at, accountId: accountIdOf(project), region, zone };
  const body = messageOfInstanceEvent(instance, event, about);
  for (const subscription of told) {
    const { to } = subscription.spec;
    if (isFull(space, instance.project, to)) miss(tx, subscription, at);
    else {
      const id = newId("n", parts, (one) => tx.get("notice", noticeName(to, one)) !== undefined);
      tx.put<"notice">(newNotice(instance.project, id, { to, instance: instance.name, body, at }));
    }
  }
}

/** Places of one project that do not answer leave room for what others are to be told. */
function isFull(space: Space, project: string, to: string): boolean {
  if (space.count("notice", to) >= limits.eventsWaitingMax) return true;
  const places = [...space.list("event-subscription", project)].map(({ spec }) => spec.to);
  const waiting = [...new Set(places)].reduce(
    (sum, place) => sum + space.count("notice", place),
    0,
  );
  return waiting >= limits.eventsOfProjectWaitingMax;
}

/** What happens to instances is not held up by a place that does not answer. */
function miss(tx: Transaction, { name }: EventSubscriptionRecord, at: number): void {
  const known = tx.get("event-subscription", name);
  if (!known) return;
  const count = (known.status.missed?.count ?? 0) + 1;
  tx.put<"event-subscription">({ ...known, status: { ...known.status, missed: { count, at } } });
}
