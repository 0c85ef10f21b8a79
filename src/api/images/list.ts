import { imageView } from "#/model/image-views.ts";
import { pageOf } from "#/model/views.ts";
import { defineCall } from "../call.ts";
import { pageQuery } from "../params.ts";
import { imageViewOf } from "../views/images.ts";

export const listImages = defineCall({
  summary: "List the images of a project",
  description: "The newest last; those that were deregistered are not told.",
  isForAny: true,
  tag: "instances",
  role: "viewer",
  query: pageQuery,
  answer: pageOf(imageView),
  async run({ parts, project, query }) {
    const { limit, cursor } = query;
    const views = parts.images.list(project).map(imageViewOf);
    const from = cursor === undefined ? 0 : views.findIndex(({ id }) => id === cursor) + 1;
    const items = views.slice(from, from + limit);
    return views.length > from + limit ? { items, next: items.at(-1)!.id } : { items };
  },
});
