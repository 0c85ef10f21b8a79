import type { InstanceEventName } from "./instance-event.ts";
import type { InstanceRecord } from "./instance.ts";
import type { RecordOf } from "./record.ts";

/** A place that is told what happens to instances of a project. Its name is "PROJECT/ID". */
export type EventSubscriptionRecord = RecordOf<
  "event-subscription",
  EventSubscriptionSpec,
  EventSubscriptionStatus
>;

export interface EventSubscriptionSpec {
  /** The ARN of a webhook or a queue. */
  to: string;
  events: readonly InstanceEventName[];
  /** Of these alone. */
  instances?: readonly string[];
  /** Of those that have all of these, when it happens. */
  tags?: Readonly<Record<string, string>>;
  createdAt: number;
}

export interface EventSubscriptionStatus {
  /** What was not kept to be told, as too much waited for the place: how often, and when last. */
  missed?: { count: number; at: number };
}

/** Whether what happens to an instance is to be told there. */
export function isToldOf(
  { spec }: EventSubscriptionRecord,
  instance: Pick<InstanceRecord, "name" | "spec">,
  event: InstanceEventName,
): boolean {
  const { events, instances, tags = {} } = spec;
  return (
    events.includes(event) &&
    (instances === undefined || instances.includes(instance.name)) &&
    Object.entries(tags).every(([key, value]) => instance.spec.tags[key] === value)
  );
}
