import { bucketView } from "#/model/bucket-views.ts";
import { pageOf } from "#/model/views.ts";
import { defineCall } from "../call.ts";
import { pageQuery } from "../params.ts";
import { bucketViewOf } from "../views/buckets.ts";

export const listBuckets = defineCall({
  summary: "List the buckets of a project",
  description: "By name, with what is in each.",
  tag: "buckets",
  role: "viewer",
  query: pageQuery,
  answer: pageOf(bucketView),
  async run({ parts, project, query }) {
    const { limit, cursor } = query;
    const found = parts.buckets
      .list(project)
      .filter(({ name }) => cursor === undefined || name > cursor);
    const items = found.slice(0, limit).map((bucket) => bucketViewOf(bucket, parts.store));
    return found.length > limit ? { items, next: items.at(-1)!.name } : { items };
  },
});
