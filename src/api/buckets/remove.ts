import { defineCall } from "../call.ts";
import { bucketParams, inProject } from "../params.ts";
import { findBucket } from "./find.ts";

export const removeBucket = defineCall({
  summary: "Delete a bucket",
  description: "It must be empty, of all versions and markers.",
  tag: "buckets",
  role: "submitter",
  params: bucketParams,
  query: inProject,
  status: 204,
  errors: ["not-found", "conflict", "no-space"],
  async run({ parts, project, params }) {
    await parts.buckets.remove(findBucket(parts.buckets, params.bucket, project));
  },
});
