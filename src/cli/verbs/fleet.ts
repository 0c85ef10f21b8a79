import type { FleetView } from "#/model/fleet-views.ts";
import { fleetText } from "../fleet-text.ts";
import { printable } from "../table.ts";
import type { Output } from "../terminal.ts";
import type { Verb } from "../verb.ts";
import { agoOf } from "../words.ts";

export const verb: Verb = {
  define(command, does) {
    command.action(
      does(async (cli) => {
        const fleet = await (await cli.client()).fleet();
        const nowMs = cli.terminal.world.clock.now();
        return { type: "text", value: fleet, text: (out) => textOf(fleet, nowMs, out) };
      }),
    );
  },
};

function textOf(fleet: FleetView, nowMs: number, out: Output): string {
  const { policy, waiting, orders, costPerHourMax, decisions } = fleet;
  const bounds = policy
    ? fleetText(policy)
    : "no fleet: canopy policy set, with a part 'fleet', has machines bought for what waits";
  const there = orders.filter(({ phase }) => phase === "joined").length;
  const lines = [
    `${fleet.project}: ${bounds}`,
    `${there} machines are there, ${orders.length - there} come or go; ${waiting} tasks wait; an hour costs at most ${costPerHourMax ?? "what nobody knows"}`,
    ...decisions.map(({ at, what, why, flip }) => {
      const more = flip === undefined ? "" : `\n    ${out.paint("dim", printable(flip))}`;
      return `  ${agoOf(at, nowMs)}: ${printable(what)}\n    ${printable(why.join("; "))}${more}`;
    }),
  ];
  return `${lines.join("\n")}\n`;
}
