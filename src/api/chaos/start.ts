import { newId } from "#/base/ids.ts";
import { startGameDay as start } from "#/chaos/game-days.ts";
import { gameDayInput, gameDayView } from "#/model/chaos-views.ts";
import { gameDayId, seedMax } from "#/model/game-day.ts";
import { defineCall } from "../call.ts";
import { once } from "../once.ts";
import { inProject } from "../params.ts";
import { findGameDay, gameDayViewOf } from "../views/chaos.ts";

export const startGameDay = defineCall({
  summary: "Begin a game day",
  description:
    "Hits tasks, agents or machines at random within the project's policy until its time is up or it is stopped. Refused without a policy, and while another one of the project is on.",
  tag: "chaos",
  role: "admin",
  query: inProject,
  body: gameDayInput,
  answer: gameDayView,
  status: 201,
  errors: ["conflict", "no-space"],
  async run(call) {
    const { parts, project, caller, body } = call;
    const { space, clock, random } = parts;
    const { targets, seed = Math.floor(random.fraction() * seedMax), ...rest } = body;
    const isTaken = (one: string) => space.get("game-day", `${project}/${one}`) !== undefined;
    const id = newId("g", { clock, random }, isTaken);
    const name = await once(
      call,
      (tx) =>
        start(space, tx, {
          ...rest,
          ...(targets && { targets }),
          project,
          id,
          seed,
          startedBy: caller.name,
          now: clock.now(),
        }).name,
    );
    return gameDayViewOf(await findGameDay(space, project, gameDayId(name)));
  },
});
