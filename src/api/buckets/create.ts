import { z } from "zod";
import { accountIdOf } from "#/model/account.ts";
import { bucketView } from "#/model/bucket-views.ts";
import { region } from "#/model/region.ts";
import { defineCall } from "../call.ts";
import { once } from "../once.ts";
import { inProject } from "../params.ts";
import { bucketViewOf } from "../views/buckets.ts";
import { quotaBody } from "./change.ts";
import { findBucket } from "./find.ts";

export const createBucket = defineCall({
  summary: "Make a bucket",
  description:
    "Its name is unique over all projects, as that of S3. Nobody but the project sees it, until its policy says otherwise.",
  tag: "buckets",
  role: "submitter",
  query: inProject,
  body: z.strictObject({
    name: z.string().min(1).max(100),
    hasObjectLock: z.boolean().optional(),
    quotaBytes: quotaBody.optional(),
    quotaObjects: quotaBody.optional(),
  }),
  answer: bucketView,
  status: 201,
  errors: ["invalid", "conflict", "no-space"],
  async run(call) {
    const { parts, project, body } = call;
    const name = await once(call, (tx) => {
      const accountId = accountIdOf(tx.get("project", project)!);
      return parts.buckets.make(tx, { ...body, project, accountId, region }).name;
    });
    return bucketViewOf(findBucket(parts.buckets, name, project), parts.store);
  },
});
