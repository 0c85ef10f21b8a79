import type { InstanceRecord } from "./instance.ts";

/** What can happen to an instance: it comes into a state, or hears that it will be taken away. */
export const instanceEvents = [
  "pending",
  "running",
  "stopping",
  "stopped",
  "shutting-down",
  "terminated",
  "interruption",
] as const;
export type InstanceEventName = (typeof instanceEvents)[number];

/** What a change of an instance's record is to others, in order. */
export function eventsOf(
  before: InstanceRecord | undefined,
  after: InstanceRecord,
): InstanceEventName[] {
  const { state, interruptionAt } = after.status;
  const isWarned = interruptionAt !== undefined && before?.status.interruptionAt === undefined;
  return [
    ...(isWarned ? (["interruption"] as const) : []),
    ...(before?.status.state === state ? [] : [state]),
  ];
}

/**
 * The message that EventBridge sends.
 * https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/monitoring-instance-state-changes.html,
 * https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/spot-instance-termination-notices.html
 */
export function messageOfInstanceEvent(
  { name, spec }: Pick<InstanceRecord, "name" | "spec">,
  event: InstanceEventName,
  about: { id: string; at: number; accountId: string; region: string; zone: string },
): string {
  const { id, at, accountId, region, zone } = about;
  const isWarning = event === "interruption";
  // The ARN of a warning names the zone, and no account.
  const where = isWarning ? zone : `${region}:${accountId}`;
  return JSON.stringify({
    version: "0",
    id,
    "detail-type": isWarning
      ? "EC2 Spot Instance Interruption Warning"
      : "EC2 Instance State-change Notification",
    source: "aws.ec2",
    account: accountId,
    time: `${new Date(at).toISOString().slice(0, 19)}Z`,
    region,
    resources: [`arn:aws:ec2:${where}:instance/${name}`],
    detail: {
      "instance-id": name,
      ...(isWarning
        ? { "instance-action": spec.market?.onInterruption ?? "terminate" }
        : { state: event }),
    },
  });
}
