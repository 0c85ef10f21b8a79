import { z } from "zod";
import { CanopyError } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import { newId } from "#/base/ids.ts";
import { bucketEvents, overlapOf, type NotificationRule } from "#/model/bucket-notification.ts";
import { notificationView } from "#/model/bucket-views.ts";
import { findBucket } from "../buckets/find.ts";
import { defineCall } from "../call.ts";
import { bucketParams, inProject } from "../params.ts";
import { notificationViewOf } from "../views/buckets.ts";
import { placeAsked, placeToTell } from "./place-asked.ts";

export const createNotification = defineCall({
  summary: "Have a webhook or a queue told of what happens in a bucket",
  description:
    "Of events by S3's names, with or without its 's3:' before them, and with '*' for all of a family; told in S3's words. A test event comes first.",
  tag: "buckets",
  role: "admin",
  params: bucketParams,
  query: inProject,
  body: z.strictObject({
    ...placeAsked,
    events: z.array(z.string().min(1).max(100)).min(1).max(50),
    prefix: z.string().max(limits.objectKeyBytesMax).optional(),
    suffix: z.string().max(limits.objectKeyBytesMax).optional(),
  }),
  answer: notificationView,
  status: 201,
  errors: ["not-found", "invalid", "conflict", "limited", "no-space"],
  async run({ parts, project, params, body, request }) {
    const { buckets } = parts;
    const bucket = findBucket(buckets, params.bucket, project);
    const arn = placeToTell(parts, project, body);
    const taken = (id: string) => rulesOf(bucket.spec).some((rule) => rule.id === id);
    const rule: NotificationRule = {
      id: newId("e", parts, taken),
      to: { kind: body.queue === undefined ? "topic" : "queue", arn },
      events: body.events.map(eventNamed),
      ...(body.prefix !== undefined && { prefix: body.prefix }),
      ...(body.suffix !== undefined && { suffix: body.suffix }),
    };
    const changed = await buckets.change(bucket, (spec) => {
      const rules = [...rulesOf(spec), rule];
      checkRules(rules);
      return { ...spec, notification: { ...spec.notification, rules } };
    });
    await parts.bucketEvents.test(changed, [rule], request.id);
    return notificationViewOf(rule);
  },
});

const rulesOf = ({
  notification,
}: {
  notification?: { rules: readonly NotificationRule[] };
}): readonly NotificationRule[] => notification?.rules ?? [];

function eventNamed(name: string): string {
  const event = name.startsWith("s3:") ? name : `s3:${name}`;
  if (bucketEvents.includes(event)) return event;
  throw new CanopyError(
    "invalid",
    `Cannot tell of '${name}' as it must be an event of S3: ${bucketEvents.slice(0, 8).join(", ")} …`,
  );
}

function checkRules(rules: readonly NotificationRule[]): void {
  if (rules.length > limits.notificationRulesMax)
    throw new CanopyError(
      "limited",
      `Cannot tell more of a bucket as it has at most ${limits.notificationRulesMax} notifications`,
    );
  const overlap = overlapOf(rules);
  if (!overlap) return;
  throw new CanopyError(
    "conflict",
    `Cannot tell two places of one event of one key: notification ${overlap[0].id} tells '${overlap[0].to.arn}' of it already`,
    { hint: "Give them other events, prefixes or suffixes" },
  );
}
