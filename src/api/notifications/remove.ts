import { CanopyError } from "#/base/errors.ts";
import { findBucket } from "../buckets/find.ts";
import { defineCall } from "../call.ts";
import { inProject, notificationParams } from "../params.ts";

export const removeNotification = defineCall({
  summary: "Tell somebody no longer of what happens in a bucket",
  description: "What has happened before is still told.",
  tag: "buckets",
  role: "admin",
  params: notificationParams,
  query: inProject,
  status: 204,
  errors: ["not-found", "no-space"],
  async run({ parts, project, params }) {
    const bucket = findBucket(parts.buckets, params.bucket, project);
    await parts.buckets.change(bucket, ({ notification, ...spec }) => {
      const { rules, ...rest } = notification ?? { rules: [], eventBridge: false };
      const left = rules.filter(({ id }) => id !== params.notification);
      if (left.length === rules.length)
        throw new CanopyError(
          "not-found",
          `Cannot find the notification '${params.notification}' of the bucket '${bucket.name}'`,
          { hint: `canopy bucket told ${bucket.name}` },
        );
      return left.length === 0 && !rest.eventBridge
        ? spec
        : { ...spec, notification: { ...rest, rules: left } };
    });
  },
});
