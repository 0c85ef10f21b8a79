import { webhookView } from "#/model/bucket-views.ts";
import { pageOf } from "#/model/views.ts";
import { defineCall } from "../call.ts";
import { pageQuery } from "../params.ts";
import { webhookViewOf } from "../views/buckets.ts";

export const listWebhooks = defineCall({
  summary: "List the webhooks of a project",
  description: "By name, with what waits to be told and what never was.",
  tag: "buckets",
  role: "viewer",
  query: pageQuery,
  answer: pageOf(webhookView),
  async run({ parts, project, query }) {
    const { limit, cursor } = query;
    const views = [...parts.space.list("webhook", project)]
      .map((record) => webhookViewOf(record, parts.space))
      .filter(({ name }) => cursor === undefined || name > cursor)
      .sort((a, b) => (a.name < b.name ? -1 : 1));
    const items = views.slice(0, limit);
    return views.length > limit ? { items, next: items.at(-1)!.name } : { items };
  },
});
