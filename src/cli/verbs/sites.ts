import type { Command } from "commander";
import type { SiteView } from "#/model/site-views.ts";
import { sleep } from "#/base/clock.ts";
import { CanopyError } from "#/base/errors.ts";
import { allOf, type Client } from "#/sdk/client.ts";
import { confirm } from "../confirm.ts";
import { column, type Result } from "../result.ts";
import { defineCanopy } from "../sites/canopy.ts";
import { defineEc2 } from "../sites/ec2.ts";
import { defineLocal } from "../sites/local.ts";
import { healthCell, priceOf, siteResult } from "../sites/show.ts";
import { defineSimulated } from "../sites/simulated.ts";
import { defineSsh } from "../sites/ssh.ts";
import type { Terminal } from "../terminal.ts";
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
    .description("Forget a site, with its secrets and keys")
    .argument("<site>")
    .option("--release", "give back first what it holds for this cloud; without, that is refused")
    .option("--yes", "do not ask")
    .action(
      does(async (cli, name: string) => {
        await confirm(cli.terminal, `remove the site ${name}`, name, cli.options["yes"] === true);
        const client = await cli.client();
        const isReleasing = cli.options["release"] === true;
        await client.removeSite(name, isReleasing);
        if (isReleasing) await untilGone(client, name, cli.terminal);
        return { type: "done", value: { name, removed: true }, message: `${name} is removed` };
      }),
    );
}

const lookMs = 500;

/** Resolves when the last machine of a site was given back, and it is gone. Ctrl-C leaves it to the cloud. */
async function untilGone(client: Client, name: string, { world, err }: Terminal): Promise<void> {
  for (let told = ""; ; await sleep(world.clock, lookMs)) {
    const site = await client.site(name).catch((thrown: unknown) => {
      if (thrown instanceof CanopyError && thrown.code === "not-found") return undefined;
      throw thrown;
    });
    if (!site) return;
    const text = `${site.orders} machines of ${name} are being given back`;
    if (site.orders > 0 && text !== told) err.write(err.paint("dim", `${(told = text)}\n`));
  }
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
