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
    const live = [...parts.space.list("game-day", project)].filter(
      ({ name }) => before === undefined || name < before,
    );
    const archived = await parts.space.archived("game-day", {
      prefix: `${project}/`,
      ...(before !== undefined && { before }),
      limit: limit + 1,
    });
    // One may leave memory while the log is asked.
    const found = new Map([...archived, ...live].map((record) => [record.name, record]));
    const records = [...found.values()].sort((a, b) => (a.name < b.name ? 1 : -1));
    const items = records.slice(0, limit).map(gameDayViewOf);
    return records.length > limit ? { items, next: items.at(-1)!.id } : { items };
  },
});
