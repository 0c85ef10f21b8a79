import { z } from "zod";
import { snapshotView } from "#/model/instance-views.ts";
import { pageOf } from "#/model/views.ts";
import { defineCall } from "../call.ts";
import { hasTag, serialOf } from "../instances/list.ts";
import { pageQuery } from "../params.ts";
import { snapshotViewOf } from "../views/instances.ts";

const word = z.string().min(1).max(400);

export const listSnapshots = defineCall({
  summary: "List snapshots",
  description: "In the order in which they were taken; of one volume when asked.",
  tag: "volumes",
  role: "viewer",
  query: pageQuery.extend({
    state: snapshotView.shape.state.optional(),
    volume: word.optional(),
    tag: word.optional(),
  }),
  answer: pageOf(snapshotView),
  run({ parts, project, query }) {
    const { limit, cursor, state, tag, volume } = query;
    const after = cursor === undefined ? -1 : serialOf(cursor);
    const found = [...parts.space.all("snapshot")]
      .filter(
        ({ project: of, serial, spec, status }) =>
          of === project &&
          serial > after &&
          (volume === undefined || spec.volume === volume) &&
          (state === undefined || status.state === state) &&
          (tag === undefined || hasTag(spec.tags, tag)),
      )
      .sort((a, b) => a.serial - b.serial);
    const items = found.slice(0, limit);
    const views = items.map(snapshotViewOf);
    return found.length > limit
      ? { items: views, next: String(items.at(-1)!.serial) }
      : { items: views };
  },
});
