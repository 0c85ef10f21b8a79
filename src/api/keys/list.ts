import { keyView, pageOf } from "#/model/views.ts";
import { defineCall } from "../call.ts";
import { pageQuery } from "../params.ts";
import { keyViewOf } from "../views/access.ts";

export const listKeys = defineCall({
  summary: "List the keys of a project",
  description:
    "By name, which is by the time they were made. The keys themselves are told only when they are made.",
  isForAny: true,
  tag: "access",
  role: "admin",
  query: pageQuery,
  answer: pageOf(keyView),
  async run({ parts, project, query }) {
    const { limit, cursor } = query;
    const views = [...parts.space.list("key", project)]
      .map(keyViewOf)
      .filter(({ name }) => cursor === undefined || name > cursor)
      .sort((a, b) => (a.name < b.name ? -1 : 1));
    const items = views.slice(0, limit);
    return views.length > limit ? { items, next: items.at(-1)!.name } : { items };
  },
});
