import { resolve } from "node:path";
import type { Command } from "commander";
import { CanopyError } from "#/base/errors.ts";
import type { CarbonZoneDetail, CarbonZoneInput, CarbonZoneView } from "#/model/carbon-views.ts";
import { intensitiesOfCsv } from "#/model/intensities.ts";
import { allOf } from "#/sdk/client.ts";
import { confirm } from "../confirm.ts";
import { column, type Result } from "../result.ts";
import { printable, tableText } from "../table.ts";
import type { Cli, Does, Verb } from "../verb.ts";
import { agoOf } from "../words.ts";
import { hourMs } from "#/model/units.ts";

export const verb: Verb = {
  define(command, does) {
    command
      .command("list", { isDefault: true })
      .description("How clean electricity is now, and when it is cleanest in the next 24 hours")
      .action(does((cli) => list(cli)));
    command
      .command("show")
      .description("A zone's hours, those that are forecast among them")
      .argument("<zone>")
      .action(
        does(async (cli, zone: string) => shown(await (await cli.client()).carbonZone(zone))),
      );
    defineSet(command, does);
    command
      .command("remove")
      .description("Know nothing of a zone any more")
      .argument("<zone>")
      .option("--yes", "do not ask")
      .action(
        does(async (cli, zone: string) => {
          const what = `remove the carbon zone ${zone}`;
          await confirm(cli.terminal, what, zone, cli.options["yes"] === true);
          await (await cli.client()).removeCarbonZone(zone);
          return { type: "done", value: { zone, removed: true }, message: `${zone} is removed` };
        }),
      );
  },
};

interface SetFlags {
  file?: string;
  url?: string;
  tokenFile?: string;
  default?: boolean;
}

function defineSet(command: Command, does: Does): void {
  command
    .command("set")
    .description("Say how clean a zone's electricity is: a series, or who is asked for it")
    .argument("<zone>", "as in DE, US-CAL-CISO")
    .option(
      "--file <csv>",
      "lines of a time and gCO2/kWh: hours, or parts of them; those ahead too",
    )
    .option("--url <url>", "asked every ten minutes: Electricity Maps, or the Carbon Intensity API")
    .option("--token-file <file>", "what is sent to it as auth-token")
    .option("--default", "of all machines without a label carbon-zone, nor a word of their site")
    .addHelpText(
      "after",
      "\nMachines and sites are in the zone that their label names: canopy machines label NAME carbon-zone=DE, canopy sites add … --label carbon-zone=DE" +
        "\n\nExamples:\n  canopy carbon set DE --file series.csv --default" +
        "\n  canopy carbon set GB --url 'https://api.carbonintensity.org.uk/intensity/{now}/fw48h'" +
        "\n  canopy carbon set DE --url 'https://api.electricitymap.org/v3/carbon-intensity/history?zone=DE' --token-file em.key",
    )
    .action(
      does(async (cli, zone: string) => {
        const { file, url, tokenFile, default: isDefault } = cli.options as SetFlags;
        if (file === undefined && url === undefined && !isDefault && tokenFile === undefined)
          throw new CanopyError(
            "invalid",
            `Cannot set the carbon zone ${zone} as nothing is said`,
            {
              hint: "Give --file, --url or --default",
            },
          );
        const token = tokenFile === undefined ? undefined : (await textOf(cli, tokenFile)).trim();
        const input: CarbonZoneInput = {
          ...(isDefault && { isDefault }),
          ...(url !== undefined && { url }),
          ...(token !== undefined && { token }),
          ...(file !== undefined && { hours: hoursOf(await textOf(cli, file), file) }),
        };
        return shown(await (await cli.client()).setCarbonZone(zone, input));
      }),
    );
}

function hoursOf(text: string, file: string): NonNullable<CarbonZoneInput["hours"]> {
  return [...intensitiesOfCsv(text, file)].map(([hour, gramsPerKwh]) => ({
    at: new Date(hour * hourMs).toISOString(),
    gramsPerKwh,
  }));
}

async function textOf({ terminal }: Cli, file: string): Promise<string> {
  const { files, folder } = terminal.world;
  const bytes = await files.read(resolve(folder, file));
  if (!bytes) throw new CanopyError("not-found", `Cannot read ${file} as there is no such file`);
  return Buffer.from(bytes).toString();
}

async function list(cli: Cli): Promise<Result> {
  const client = await cli.client();
  const nowMs = cli.terminal.world.clock.now();
  const columns = [
    column<CarbonZoneView>("zone", ({ name, isDefault }) =>
      isDefault ? `${name} (default)` : name,
    ),
    column<CarbonZoneView>("gCO2/kWh now", ({ gramsPerKwhNow }) => gramsText(gramsPerKwhNow), {
      align: "right",
    }),
    column<CarbonZoneView>("cleanest", ({ cleanest }) => gramsText(cleanest?.gramsPerKwh), {
      align: "right",
    }),
    column<CarbonZoneView>("at", ({ cleanest }) => (cleanest ? hourText(cleanest.at) : "")),
    column<CarbonZoneView>("known until", ({ knownUntil }) =>
      knownUntil === undefined ? "" : hourText(knownUntil),
    ),
    column<CarbonZoneView>("asked", ({ askedAt, url }) =>
      url === undefined ? "" : askedAt === undefined ? "not yet" : agoOf(askedAt, nowMs),
    ),
    column<CarbonZoneView>("why", ({ reason }) => reason ?? "", { flexible: true }),
  ];
  return {
    type: "table",
    rows: await Array.fromAsync(allOf((query) => client.carbonZones(query))),
    columns,
    empty: "No carbon zones yet. Add one with: canopy carbon set DE --file series.csv --default",
  };
}

function shown(zone: CarbonZoneDetail): Result {
  const { name, isDefault, gramsPerKwhNow, cleanest, hours, hoursKnown, reason } = zone;
  const columns = [
    column<Hour>("hour", ({ at }) => hourText(at)),
    column<Hour>("gCO2/kWh", ({ gramsPerKwh }) => gramsText(gramsPerKwh), { align: "right" }),
    column<Hour>("from", ({ from }) => from),
  ];
  const lines = [
    `${name}${isDefault ? ", the default," : ""} has ${gramsText(gramsPerKwhNow)} gCO2/kWh now${cleanest ? `, and at ${hourText(cleanest.at)} ${gramsText(cleanest.gramsPerKwh)}, the least of the next 24 hours` : ""}. Hours known: ${hoursKnown}.`,
    ...(reason === undefined ? [] : [`Asking for more gave nothing: ${printable(reason)}`]),
  ];
  return {
    type: "text",
    value: zone,
    text: (out) => {
      const table = hours.length > 0 ? tableText(hours, columns, out) : "";
      return out.isTty || table === "" ? `${table}${lines.join("\n")}\n` : table;
    },
  };
}

type Hour = CarbonZoneDetail["hours"][number];

function gramsText(gramsPerKwh: number | undefined): string {
  return gramsPerKwh === undefined ? "unknown" : gramsPerKwh.toFixed(0);
}

/** "2026-11-23 02:00Z". */
function hourText(instant: string): string {
  return `${instant.slice(0, 16).replace("T", " ")}Z`;
}
