import { gameDayView } from "#/model/chaos-views.ts";
import { pageOf } from "#/model/views.ts";
import { defineCall } from "../call.ts";
import { pageQuery } from "../params.ts";
import { gameDayViewOf } from "../views/chaos.ts";

export const listGameDays = defineCall({
  summary: "List game days",
  description: "The newest first, those that have left memory too.",
  tag: "chaos",
  role: "viewer",
  query: pageQuery,
  answer: pageOf(gameDayView),
  async run({ parts, project, query }) {
    const { limit, cursor } = query;
    const before = cursor === undefined ? undefined : `${project}/${cursor}`;
    const live = [...parts.space.list("game-day", project)]
      .filter(({ name }) => before === undefined || name < before)
      .sort((a, b) => (a.name < b.name ? 1 : -1));
    const records = live.slice(0, limit + 1);
    if (records.length <= limit) {
      const from = records.at(-1)?.name ?? before;
      const more = await parts.space.archived("game-day", {
        prefix: `${project}/`,
        ...(from !== undefined && { before: from }),
        limit: limit + 1 - records.length,
      });
      records.push(...more);
    }
    const items = records.slice(0, limit).map(gameDayViewOf);
    return records.length > limit ? { items, next: items.at(-1)!.id } : { items };
  },
});
