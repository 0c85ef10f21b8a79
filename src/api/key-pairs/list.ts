import { keyPairView } from "#/model/instance-views.ts";
import { pageOf } from "#/model/views.ts";
import { defineCall } from "../call.ts";
import { pageQuery } from "../params.ts";
import { keyPairViewOf } from "../views/instances.ts";

export const listKeyPairs = defineCall({
  summary: "List key pairs",
  description: "By name: the public halves of keys that open instances.",
  tag: "instances",
  role: "viewer",
  query: pageQuery,
  answer: pageOf(keyPairView),
  run({ parts, project, query }) {
    const { limit, cursor } = query;
    const found = parts.networks.keys
      .list(project)
      .filter(({ spec }) => cursor === undefined || spec.title > cursor)
      .sort((a, b) => (a.spec.title < b.spec.title ? -1 : 1));
    const items = found.slice(0, limit).map(keyPairViewOf);
    return found.length > limit ? { items, next: items.at(-1)!.name } : { items };
  },
});
