import { accountIdOf } from "#/model/account.ts";
import type { NotificationRule } from "#/model/bucket-notification.ts";
import type { BucketView, NotificationView, WebhookView } from "#/model/bucket-views.ts";
import type { BucketRecord } from "#/model/bucket.ts";
import { region } from "#/model/region.ts";
import { webhookArn, type WebhookRecord } from "#/model/webhook.ts";
import type { ObjectStore } from "#/objects/object-store.ts";
import type { Space } from "#/space/space.ts";

export function bucketViewOf(
  { name, project, spec }: BucketRecord,
  store: Pick<ObjectStore, "use">,
): BucketView {
  const { objects, bytes } = store.use(spec.id);
  return {
    name,
    project,
    region: spec.region,
    createdAt: new Date(spec.createdAt).toISOString(),
    versioning: spec.versioning,
    hasObjectLock: spec.objectLock !== undefined,
    objects,
    bytes,
    ...(spec.quotaBytes !== undefined && { quotaBytes: spec.quotaBytes }),
    ...(spec.quotaObjects !== undefined && { quotaObjects: spec.quotaObjects }),
  };
}

export function notificationViewOf({
  id,
  to,
  events,
  prefix,
  suffix,
}: NotificationRule): NotificationView {
  return {
    id,
    to: to.arn,
    events: [...events],
    ...(prefix !== undefined && { prefix }),
    ...(suffix !== undefined && { suffix }),
  };
}

export function webhookViewOf(
  { name, project, spec, status }: WebhookRecord,
  space: Pick<Space, "get" | "count">,
): WebhookView {
  const title = name.slice(name.indexOf("/") + 1);
  const arn = webhookArn(region, accountIdOf(space.get("project", project)!), title);
  return {
    name: title,
    project,
    url: spec.url,
    arn,
    createdAt: new Date(spec.createdAt).toISOString(),
    waiting: space.count("notice", arn),
    ...(status.dead && { dead: { ...status.dead, at: new Date(status.dead.at).toISOString() } }),
  };
}
