import { gameDayReport } from "#/model/chaos-views.ts";
import { defineCall } from "../call.ts";
import { gameDayParams, inProject } from "../params.ts";
import { findGameDay, reportOf } from "../views/chaos.ts";

export const readGameDay = defineCall({
  summary: "Read the report of a game day",
  description:
    "Each hit: what was hit and why, what noticed it, how long it took to heal, and what was lost; and the figures over all. While it is on, as it is at this moment.",
  tag: "chaos",
  role: "viewer",
  params: gameDayParams,
  query: inProject,
  answer: gameDayReport,
  errors: ["not-found"],
  async run({ parts, project, params }) {
    return reportOf(parts.space, await findGameDay(parts.space, project, params.gameDay));
  },
});
