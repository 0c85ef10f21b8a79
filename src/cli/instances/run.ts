import { resolve } from "node:path";
import { Option, type Command } from "commander";
import { CanopyError } from "#/base/errors.ts";
import type { LaunchInput } from "#/model/instance-request.ts";
import type { InstanceView } from "#/model/instance-views.ts";
import { parseSize } from "#/model/units.ts";
import { volumeTypes, type VolumeType } from "#/model/volume.ts";
import { parseAmount, parseCount } from "../count.ts";
import { microsOf } from "../sites/options.ts";
import type { Cli, Does, Done } from "../verb.ts";
import { labelsOf, many } from "../words.ts";
import { instanceCalls } from "./find.ts";
import { instanceColumns } from "./tables.ts";
import { untilState } from "./wait.ts";

interface RunOptions {
  type?: string;
  count?: number;
  min?: number;
  name?: string;
  key?: string;
  userData?: string;
  profile?: string;
  subnet?: string;
  group?: string[];
  port?: string[];
  publish?: string[];
  volume?: string[];
  tag?: string[];
  spot?: boolean;
  maxPrice?: number;
  onInterruption?: "terminate" | "stop" | "hibernate";
  recover?: boolean;
  protect?: boolean;
  mayHibernate?: boolean;
  require?: string;
  rank?: string;
  zone?: string;
  machine?: string;
  spread?: string;
  cluster?: string;
  endsWhenDone?: boolean;
  wait?: boolean;
}

export function defineRun(command: Command, does: Does): void {
  command
    .command("run")
    .description("Launch instances of an image")
    .argument("<image>", "its id (ami-…), or the title of one of the project's own")
    .option("--type <type>", "what it has: see canopy instances types")
    .option("--count <count>", "how many, all or none", parseCount)
    .option("--min <count>", "how many of them will do", parseCount)
    .option("--name <name>", "what it is called: its tag Name")
    .option("--key <key pair>", "which opens it for ssh")
    .option("--user-data <file>", "what it runs when it begins; - for the standard input")
    .option("--profile <name>", "the instance profile whose role it has")
    .option("--subnet <subnet>", "its network; the default one when absent")
    .option("--group <group>", "a security group; may be repeated", many)
    .option("--port <port>", "open to everyone: 22, 8000-8010, 53/udp; may be repeated", many)
    .option(
      "--publish <ports>",
      "a port of its machine that leads to its own, open to everyone: 8080:80; may be repeated",
      many,
    )
    .option(
      "--volume <volume>",
      "a new volume, SIZE[:TYPE]:DEVICE, as in 20GiB:gp3:/dev/sdf; may be repeated",
      many,
    )
    .option("--tag <name=value>", "may be repeated", many)
    .option("--spot", "at the price of the moment, until that is over the most that you pay")
    .option(
      "--max-price <amount>",
      "of spot: for an hour, as in 0.02; the list price when absent",
      parseAmount,
    )
    .addOption(
      new Option("--on-interruption <what>", "of spot: two minutes after it was told").choices([
        "terminate",
        "stop",
        "hibernate",
      ]),
    )
    .option("--recover", "when its machine dies, start it again elsewhere")
    .option("--may-hibernate", "it may be stopped so that its memory is kept")
    .option("--protect", "it may not be terminated until that is taken away")
    .option("--ends-when-done", "when it shuts down by itself it is terminated, not stopped")
    .option("--require <CEL>", `where it may run, as in: machine.labels.disk == "ssd"`)
    .option("--rank <rank>", "spread, pack, load, energy, cheapest, or CEL that gives a number")
    .option("--zone <zone>", "the zone that it must be in")
    .option("--machine <machine>", "the machine that it must be on")
    .option("--spread <title>", "on no machine with another one of that title")
    .option("--cluster <title>", "on the machine of the others of that title")
    .option("--wait", "until all run")
    .addHelpText(
      "after",
      "\nExamples:\n  canopy instances run debian --type v.small --key mine --port 22 --wait\n  canopy instances run web --publish 8080:80\n  canopy instances run ami-0123456789abcdef0 --count 20 --rank pack",
    )
    .action(does((cli, image: string) => run(cli, image)));
}

async function run(cli: Cli, image: string): Promise<Done> {
  const options = cli.options as RunOptions;
  const calls = await instanceCalls(cli);
  const { items } = await calls.launch(await askedBy(cli, image, options));
  const ended = options.wait ? await untilState(cli, calls, items, "running") : items;
  const failed = ended.filter(({ state }) => options.wait === true && state !== "running");
  for (const { id, reason } of failed)
    cli.terminal.err.write(`${id} did not start: ${reason?.message ?? "no reason was given"}\n`);
  tellAlone(cli, ended);
  return {
    result: {
      type: "table",
      rows: ended,
      columns: instanceColumns(cli.terminal.world.clock.now()),
      empty: "None was launched.",
    },
    exitCode: failed.length > 0 ? 1 : 0,
  };
}

/** What works elsewhere and not there is said before it is missed. */
function tellAlone({ terminal }: Cli, launched: readonly InstanceView[]): void {
  const machines = new Set(
    launched.flatMap((one) => (one.networks === "user" ? (one.machine ?? []) : [])),
  );
  if (machines.size > 0)
    terminal.err.write(
      `Instances on ${[...machines].join(", ")} are alone: they have no network of their own, ports of the machine lead to them. What is missing there: canopy doctor\n`,
    );
}

async function askedBy(cli: Cli, image: string, options: RunOptions): Promise<LaunchInput> {
  const { type, count, min, name, key, profile, subnet, group, port, publish } = options;
  const placement = placementOf(options);
  return {
    image,
    ...(type !== undefined && { type }),
    ...(count !== undefined && { count }),
    ...(min !== undefined && { min }),
    ...(name !== undefined && { name }),
    ...(key !== undefined && { keyName: key }),
    ...(profile !== undefined && { profile }),
    ...(subnet !== undefined && { subnet }),
    ...(group && { groups: group }),
    ...(port && { ports: port }),
    ...(publish && { publish }),
    ...(options.userData !== undefined && { userData: await userDataOf(cli, options.userData) }),
    ...(options.volume && { disks: options.volume.map(diskOf) }),
    ...(options.tag && { tags: labelsOf(options.tag) }),
    ...(options.recover && { isRecovered: true }),
    ...(options.mayHibernate && { mayHibernate: true }),
    ...(options.protect && { isTerminationProtected: true }),
    ...(options.endsWhenDone && { onShutdown: "terminate" as const }),
    ...spotOf(options),
    ...(Object.keys(placement).length > 0 && { placement }),
  };
}

/** Throws "invalid" for words about spot without --spot. */
function spotOf({ spot, maxPrice, onInterruption }: RunOptions): Pick<LaunchInput, "spot"> {
  if (spot)
    return {
      spot: {
        ...(maxPrice !== undefined && { maxMicrosPerHour: microsOf(maxPrice) }),
        ...(onInterruption && { onInterruption }),
      },
    };
  if (maxPrice === undefined && onInterruption === undefined) return {};
  const flag = maxPrice === undefined ? "--on-interruption" : "--max-price";
  throw new CanopyError("invalid", `Cannot take ${flag} as it is of spot instances alone`, {
    hint: "Say that it is to be one with: --spot",
  });
}

function placementOf(options: RunOptions): NonNullable<LaunchInput["placement"]> {
  const { require, rank, zone, machine, spread, cluster } = options;
  if (spread !== undefined && cluster !== undefined)
    throw new CanopyError("invalid", "Cannot take both --spread and --cluster: give one of them");
  return {
    ...(require !== undefined && { require }),
    ...(rank !== undefined && { rank }),
    ...(zone !== undefined && { zone }),
    ...(machine !== undefined && { machine }),
    ...(spread !== undefined && { group: { title: spread, strategy: "spread" as const } }),
    ...(cluster !== undefined && { group: { title: cluster, strategy: "cluster" as const } }),
  };
}

async function userDataOf({ terminal }: Cli, file: string): Promise<string> {
  if (file === "-")
    return Buffer.concat(await Array.fromAsync(terminal.readInput())).toString("base64");
  const content = await terminal.world.files.read(resolve(terminal.world.folder, file));
  if (content) return Buffer.from(content).toString("base64");
  throw new CanopyError("not-found", `Cannot read the user data as there is no file '${file}'`);
}

const isType = (word: string): word is VolumeType => volumeTypes.some((one) => one === word);

/** "20GiB:/dev/sdf", "20GiB:io2:/dev/sdf". */
function diskOf(word: string): NonNullable<LaunchInput["disks"]>[number] {
  const [size = "", ...more] = word.split(":");
  const [device, type] = more.toReversed();
  if (device === undefined || more.length > 2 || (type !== undefined && !isType(type)))
    throw new CanopyError(
      "invalid",
      `Cannot read a volume as it must be SIZE[:TYPE]:DEVICE: current value is '${word}'`,
      { hint: `As in --volume 20GiB:gp3:/dev/sdf; types are ${volumeTypes.join(", ")}` },
    );
  return { device, sizeBytes: parseSize(size), ...(type !== undefined && { type }) };
}
