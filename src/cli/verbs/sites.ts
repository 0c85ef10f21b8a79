import type { Command } from "commander";
import type { SiteView } from "#/model/site-views.ts";
import { allOf } from "#/sdk/client.ts";
import { confirm } from "../confirm.ts";
import { column, type Result } from "../result.ts";
import { defineCanopy } from "../sites/canopy.ts";
import { defineEc2 } from "../sites/ec2.ts";
import { defineLocal } from "../sites/local.ts";
import { healthCell, priceOf, siteResult } from "../sites/show.ts";
import { defineSimulated } from "../sites/simulated.ts";
import { defineSsh } from "../sites/ssh.ts";
import type { Cli, Does, Verb } from "../verb.ts";
import { agoOf } from "../words.ts";

export const verb: Verb = {
  define(command, does) {
    command
      .command("list", { isDefault: true })
      .description("List sites")
      .action(does((cli) => list(cli)));
    command
      .command("show")
      .description("Show a site's health, and the machines that it would give")
      .argument("<site>")
      .action(
        does(async (cli, name: string) =>
          siteResult(await (await cli.client()).site(name), cli.terminal.world.clock.now()),
        ),
      );
    const add = command.command("add").description("Add a site, or change one");
    for (const define of [defineLocal, defineSsh, defineEc2, defineCanopy, defineSimulated])
      define(add, does);
    defineRemove(command, does);
  },
};

function defineRemove(command: Command, does: Does): void {
  command
    .command("remove")
    .description("Forget a site that holds no machines of this cloud")
    .argument("<site>")
    .option("--yes", "do not ask")
    .action(
      does(async (cli, name: string) => {
        await confirm(cli.terminal, `remove the site ${name}`, name, cli.options["yes"] === true);
        await (await cli.client()).removeSite(name);
        return { type: "done", value: { name, removed: true }, message: `${name} is removed` };
      }),
    );
}

async function list(cli: Cli): Promise<Result> {
  const client = await cli.client();
  const rows = await Array.fromAsync(allOf((query) => client.sites(query)));
  const nowMs = cli.terminal.world.clock.now();
  const columns = [
    column<SiteView>("site", ({ name }) => name),
    column<SiteView>("type", ({ type }) => type),
    column<SiteView>("health", healthCell),
    column<SiteView>("since", ({ since }) => agoOf(since, nowMs), { align: "right" }),
    column<SiteView>("machines", ({ orders }) => String(orders), { align: "right" }),
    column<SiteView>("offers", ({ offers }) => String(offers.length), { align: "right" }),
    column<SiteView>("from an hour", cheapestOf, { align: "right" }),
    column<SiteView>("why", ({ reason }) => reason ?? "", { flexible: true }),
  ];
  return {
    type: "table",
    rows,
    columns,
    empty: "No sites yet. Add one with: canopy sites add local --cpus 2 --memory 2GiB",
  };
}

/** The least price that is known. */
function cheapestOf({ offers }: SiteView): string {
  const known = offers.filter(({ microsPerHour }) => microsPerHour !== undefined);
  const [cheapest] = known.sort((a, b) => a.microsPerHour! - b.microsPerHour!);
  if (!cheapest) return offers.length > 0 ? "unknown" : "";
  return priceOf(cheapest);
}
