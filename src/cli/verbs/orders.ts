import type { OrderView } from "#/model/plan-views.ts";
import { column } from "../result.ts";
import type { Verb } from "../verb.ts";
import { agoOf } from "../words.ts";

const listed = 50;

export const verb: Verb = {
  define(command, does) {
    command.action(
      does(async (cli) => {
        const { items } = await (await cli.client()).orders({ limit: listed });
        const nowMs = cli.terminal.world.clock.now();
        return {
          type: "table",
          rows: items,
          empty: "No machine was ordered yet.",
          columns: [
            column<OrderView>("order", ({ id }) => id),
            column<OrderView>("site", ({ site }) => site),
            column<OrderView>("offer", ({ offer }) => offer, { flexible: true }),
            column<OrderView>("phase", ({ phase }) => phase),
            column<OrderView>("machine", ({ machine }) => machine ?? "", { flexible: true }),
            column<OrderView>("for", ({ job, askedBy }) => job ?? askedBy),
            column<OrderView>("cost", ({ cost }) => cost ?? "unknown", { align: "right" }),
            column<OrderView>("ordered", ({ orderedAt }) => agoOf(orderedAt, nowMs), {
              align: "right",
            }),
            column<OrderView>("reason", ({ reason }) => reason ?? "", { flexible: true }),
          ],
        };
      }),
    );
  },
};
