import { accessKeyView } from "#/model/access-key-views.ts";
import { pageOf } from "#/model/views.ts";
import { defineCall } from "../call.ts";
import { pageQuery } from "../params.ts";
import { accessKeyViewOf } from "../views/access-keys.ts";

export const listAccessKeys = defineCall({
  summary: "List the access keys of a project",
  description: "By id. Secrets are told only when a key is made.",
  isForAny: true,
  tag: "access",
  role: "admin",
  query: pageQuery,
  answer: pageOf(accessKeyView),
  async run({ parts, project, query }) {
    const { limit, cursor } = query;
    const views = [...parts.space.all("access-key")]
      .filter((record) => record.project === project)
      .map(accessKeyViewOf)
      .filter(({ accessKeyId }) => cursor === undefined || accessKeyId > cursor)
      .sort((a, b) => (a.accessKeyId < b.accessKeyId ? -1 : 1));
    const items = views.slice(0, limit);
    return views.length > limit ? { items, next: items.at(-1)!.accessKeyId } : { items };
  },
});
