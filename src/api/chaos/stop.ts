import { stopGameDay as stop } from "#/chaos/game-days.ts";
import { gameDayView } from "#/model/chaos-views.ts";
import { defineCall } from "../call.ts";
import { gameDayParams, inProject } from "../params.ts";
import { findGameDay, gameDayViewOf } from "../views/chaos.ts";

export const stopGameDay = defineCall({
  summary: "Stop a game day",
  description:
    "It hits no more from this moment, and ends when what it hit has healed. Stopping one that has stopped does nothing more.",
  tag: "chaos",
  role: "admin",
  params: gameDayParams,
  query: inProject,
  answer: gameDayView,
  status: 202,
  errors: ["not-found", "no-space"],
  async run({ parts, project, params, caller }) {
    const found = await findGameDay(parts.space, project, params.gameDay);
    if (found.status.phase !== "running") return gameDayViewOf(found);
    const committed = parts.space.commit((tx) =>
      stop(tx, found.name, { reason: `${caller.name} stopped it`, isAlarm: false }),
    );
    await committed.durable;
    return gameDayViewOf(committed.value);
  },
});
