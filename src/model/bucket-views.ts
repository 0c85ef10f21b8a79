import { z } from "zod";

/** A bucket of objects, with what is in it. */
export const bucketView = z.object({
  name: z.string(),
  project: z.string(),
  region: z.string(),
  createdAt: z.iso.datetime(),
  versioning: z.enum(["off", "enabled", "suspended"]),
  hasObjectLock: z.boolean(),
  /** Of all versions, with the parts of uploads under way. */
  objects: z.int(),
  bytes: z.int(),
  quotaBytes: z.int().optional(),
  quotaObjects: z.int().optional(),
});
export type BucketView = z.output<typeof bucketView>;

/** Who is told of what happens in a bucket. */
export const notificationView = z.object({
  id: z.string(),
  /** The ARN of a webhook, a queue or what else can be told. */
  to: z.string(),
  events: z.array(z.string()),
  prefix: z.string().optional(),
  suffix: z.string().optional(),
});
export type NotificationView = z.output<typeof notificationView>;

/** An address that is told of what happens in buckets and to instances. */
export const webhookView = z.object({
  name: z.string(),
  project: z.string(),
  url: z.url(),
  /** What notifications of buckets name it by. */
  arn: z.string(),
  createdAt: z.iso.datetime(),
  /** Messages that wait to be told. */
  waiting: z.int(),
  /** Messages that it was not told in all tries: how many, and of the newest when and why. */
  dead: z.object({ count: z.int(), at: z.iso.datetime(), fault: z.string() }).optional(),
});
export type WebhookView = z.output<typeof webhookView>;

/** The same as it is told when it is made, with what its messages are signed by. */
export const madeWebhookView = webhookView.extend({ secret: z.string() });
export type MadeWebhookView = z.output<typeof madeWebhookView>;
