import { z } from "zod";
import { volumeView } from "#/model/instance-views.ts";
import { pageOf } from "#/model/views.ts";
import { defineCall } from "../call.ts";
import { hasTag, serialOf } from "../instances/list.ts";
import { pageQuery } from "../params.ts";
import { volumeViewOf } from "../views/instances.ts";

export const listVolumes = defineCall({
  summary: "List volumes",
  description: "In the order in which they were made.",
  tag: "volumes",
  role: "viewer",
  query: pageQuery.extend({
    state: volumeView.shape.state.optional(),
    tag: z.string().min(1).max(400).optional(),
  }),
  answer: pageOf(volumeView),
  run({ parts, project, query }) {
    const { limit, cursor, state, tag } = query;
    const after = cursor === undefined ? -1 : serialOf(cursor);
    const found = [...parts.space.all("volume")]
      .filter(
        ({ project: of, serial, spec, status }) =>
          of === project &&
          serial > after &&
          (state === undefined || status.state === state) &&
          (tag === undefined || hasTag(spec.tags, tag)),
      )
      .sort((a, b) => a.serial - b.serial);
    const items = found.slice(0, limit);
    const views = items.map(volumeViewOf);
    return found.length > limit
      ? { items: views, next: String(items.at(-1)!.serial) }
      : { items: views };
  },
});
