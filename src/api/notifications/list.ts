import { notificationView } from "#/model/bucket-views.ts";
import { pageOf } from "#/model/views.ts";
import { findBucket } from "../buckets/find.ts";
import { defineCall } from "../call.ts";
import { bucketParams, inProject } from "../params.ts";
import { notificationViewOf } from "../views/buckets.ts";

export const listNotifications = defineCall({
  summary: "List who is told of what happens in a bucket",
  description: "All of them: there are at most a hundred.",
  tag: "buckets",
  role: "viewer",
  params: bucketParams,
  query: inProject,
  answer: pageOf(notificationView),
  errors: ["not-found"],
  async run({ parts, project, params }) {
    const { notification } = findBucket(parts.buckets, params.bucket, project).spec;
    return { items: (notification?.rules ?? []).map(notificationViewOf) };
  },
});
