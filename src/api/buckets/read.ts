import { bucketView } from "#/model/bucket-views.ts";
import { defineCall } from "../call.ts";
import { bucketParams, inProject } from "../params.ts";
import { bucketViewOf } from "../views/buckets.ts";
import { findBucket } from "./find.ts";

export const readBucket = defineCall({
  summary: "Show a bucket",
  description: "With what is in it, all versions and parts of uploads counted.",
  tag: "buckets",
  role: "viewer",
  params: bucketParams,
  query: inProject,
  answer: bucketView,
  errors: ["not-found"],
  async run({ parts, project, params }) {
    return bucketViewOf(findBucket(parts.buckets, params.bucket, project), parts.store);
  },
});
