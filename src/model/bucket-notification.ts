/** Events of a bucket that are told to one place. */
export interface NotificationRule {
  id: string;
  to: { kind: "queue" | "topic" | "function"; arn: string };
  /** As S3 names them: "s3:ObjectCreated:*". */
  events: readonly string[];
  prefix?: string;
  suffix?: string;
}

/** All that can be asked for. https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-event-types-and-destinations.html */
export const bucketEvents: readonly string[] = Object.entries({
  ObjectCreated: ["*", "Put", "Post", "Copy", "CompleteMultipartUpload"],
  ObjectRemoved: ["*", "Delete", "DeleteMarkerCreated"],
  ObjectRestore: ["*", "Post", "Completed", "Delete"],
  Replication: [
    "*",
    "OperationFailedReplication",
    "OperationMissedThreshold",
    "OperationReplicatedAfterThreshold",
    "OperationNotTracked",
  ],
  LifecycleExpiration: ["*", "Delete", "DeleteMarkerCreated"],
  ObjectTagging: ["*", "Put", "Delete"],
})
  .flatMap(([family, names]) => names.map((name) => `s3:${family}:${name}`))
  .concat([
    "s3:ReducedRedundancyLostObject",
    "s3:LifecycleTransition",
    "s3:IntelligentTiering",
    "s3:ObjectAcl:Put",
  ]);

/** Rules that are about an event ("ObjectCreated:Put") of a key. */
export function rulesFor(
  rules: readonly NotificationRule[],
  event: string,
  key: string,
): NotificationRule[] {
  return rules.filter(
    ({ events, prefix = "", suffix = "" }) =>
      key.startsWith(prefix) &&
      key.endsWith(suffix) &&
      events.some((pattern) => covers(pattern, `s3:${event}`)),
  );
}

/** Two rules that would both be told of one event, which S3 does not allow. */
export function overlapOf(
  rules: readonly NotificationRule[],
): [NotificationRule, NotificationRule] | undefined {
  for (const [index, a] of rules.entries())
    for (const b of rules.slice(index + 1)) if (doOverlap(a, b)) return [a, b];
  return undefined;
}

function doOverlap(a: NotificationRule, b: NotificationRule): boolean {
  const { prefix: aPrefix = "", suffix: aSuffix = "" } = a;
  const { prefix: bPrefix = "", suffix: bSuffix = "" } = b;
  return (
    a.events.some((one) => b.events.some((two) => covers(one, two) || covers(two, one))) &&
    (aPrefix.startsWith(bPrefix) || bPrefix.startsWith(aPrefix)) &&
    (aSuffix.endsWith(bSuffix) || bSuffix.endsWith(aSuffix))
  );
}

const covers = (pattern: string, event: string) =>
  pattern.endsWith(":*") ? event.startsWith(pattern.slice(0, -1)) : pattern === event;
