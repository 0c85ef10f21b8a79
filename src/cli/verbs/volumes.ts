import type { VolumeInput } from "#/model/instance-request.ts";
import type { VolumeView } from "#/model/instance-views.ts";
import { briefSize } from "#/model/units.ts";
import { allOf } from "#/sdk/client.ts";
import { InstanceCalls, VolumeCalls } from "#/sdk/instances.ts";
import { confirm } from "../confirm.ts";
import { parseCount, sizeOption } from "../count.ts";
import { instanceNamed } from "../instances/find.ts";
import { column, type Result } from "../result.ts";
import type { Cli, Verb } from "../verb.ts";
import { agoOf, labelsOf, many } from "../words.ts";

const callsOf = async (cli: Cli) => new VolumeCalls((await cli.client()).http);

interface CreateOptions {
  type?: NonNullable<VolumeInput["type"]>;
  iops?: number;
  rate?: number;
  snapshot?: string;
  name?: string;
  tag?: string[];
  encrypted?: boolean;
}

export const verb: Verb = {
  define(command, does) {
    command
      .command("ls", { isDefault: true })
      .alias("list")
      .description("List volumes")
      .option("--state <state>", "available, in-use, …")
      .option("--tag <tag>", "that have it: NAME or NAME=VALUE")
      .action(does((cli) => list(cli)));
    command
      .command("create")
      .description("Make a volume, empty or of a snapshot")
      .argument("[size]", "as in 20GiB; that of the snapshot when absent", sizeOption)
      .option("--type <type>", "gp3 when absent")
      .option("--iops <count>", "reads and writes a second", parseCount)
      .option("--rate <size>", "bytes a second, as in 250MiB", sizeOption)
      .option("--snapshot <snapshot>", "what it begins as")
      .option("--name <name>", "what it is called: its tag Name")
      .option("--tag <name=value>", "may be repeated", many)
      .option("--encrypted", "its file cannot be read without its key")
      .action(does((cli, size?: number) => create(cli, size)));
    command
      .command("show")
      .description("Show a volume")
      .argument("<volume>")
      .action(
        does(async (cli, id: string) =>
          recordOf(await (await callsOf(cli)).read(id), cli.terminal.world.clock.now()),
        ),
      );
    command
      .command("attach")
      .description("Give a volume to an instance")
      .argument("<volume>")
      .argument("<instance>", "its id, or its name")
      .argument("<device>", "as in /dev/sdf")
      .action(
        does(async (cli, id: string, word: string, device: string) => {
          const instance = await instanceNamed(new InstanceCalls((await cli.client()).http), word);
          const value = await (await callsOf(cli)).attach(id, { instance, device });
          return { type: "done", value, message: `${id} is given to ${instance} as ${device}` };
        }),
      );
    command
      .command("detach")
      .description("Take a volume from its instance")
      .argument("<volume>")
      .action(
        does(async (cli, id: string) => {
          const value = await (await callsOf(cli)).detach(id);
          return { type: "done", value, message: `${id} is ${value.attachment?.state ?? "free"}` };
        }),
      );
    command
      .command("grow")
      .description("Make a volume larger, also while it is in use")
      .argument("<volume>")
      .argument("<size>", "as in 40GiB", sizeOption)
      .action(
        does(async (cli, id: string, sizeBytes: number) => {
          const value = await (await callsOf(cli)).change(id, { sizeBytes });
          return { type: "done", value, message: `${id} is ${briefSize(value.sizeBytes)}` };
        }),
      );
    command
      .command("rm")
      .alias("delete")
      .description("Delete a volume and all that is on it")
      .argument("<volume>")
      .option("--yes", "do not ask")
      .action(
        does(async (cli, id: string) => {
          const isSure = cli.options["yes"] === true;
          await confirm(cli.terminal, `delete the volume ${id} and all that is on it`, id, isSure);
          await (await callsOf(cli)).remove(id);
          return { type: "done", value: { id, deleted: true }, message: `${id} is deleted` };
        }),
      );
  },
};

async function create(cli: Cli, sizeBytes?: number): Promise<Result> {
  const { type, iops, rate, snapshot, name, tag, encrypted } = cli.options as CreateOptions;
  const value = await (
    await callsOf(cli)
  ).create({
    ...(sizeBytes !== undefined && { sizeBytes }),
    ...(type !== undefined && { type }),
    ...(iops !== undefined && { iops }),
    ...(rate !== undefined && { bytesPerSecond: rate }),
    ...(snapshot !== undefined && { snapshot }),
    ...(name !== undefined && { name }),
    ...(tag && { tags: labelsOf(tag) }),
    ...(encrypted && { isEncrypted: true }),
  });
  return { type: "text", value, text: () => `${value.id}\n` };
}

async function list(cli: Cli): Promise<Result> {
  const calls = await callsOf(cli);
  const { state, tag } = cli.options as { state?: string; tag?: string };
  const asked = { ...(state !== undefined && { state }), ...(tag !== undefined && { tag }) };
  const rows = await Array.fromAsync(allOf((page) => calls.list({ ...asked, ...page })));
  const nowMs = cli.terminal.world.clock.now();
  return {
    type: "table",
    rows,
    columns: [
      column<VolumeView>("volume", ({ id }) => id),
      column<VolumeView>("name", ({ name = "" }) => name, { flexible: true }),
      column<VolumeView>("state", ({ state: is }) => is),
      column<VolumeView>("size", ({ sizeBytes }) => briefSize(sizeBytes), { align: "right" }),
      column<VolumeView>("type", ({ type }) => type),
      column<VolumeView>("instance", holderOf, { flexible: true }),
      column<VolumeView>("machine", ({ machine = "" }) => machine, { flexible: true }),
      column<VolumeView>("made", ({ createdAt }) => agoOf(createdAt, nowMs), { align: "right" }),
    ],
    empty: "No volumes. Make one with: canopy volumes create 20GiB",
  };
}

function holderOf({ attachment }: VolumeView): string {
  if (!attachment) return "";
  const { instance, device, state } = attachment;
  return `${instance} as ${device}${state === "attached" ? "" : `, ${state}`}`;
}

function recordOf(volume: VolumeView, nowMs: number): Result {
  return {
    type: "record",
    value: volume,
    fields: [
      { title: "volume", value: volume.id },
      { title: "name", value: volume.name },
      { title: "state", value: volume.state },
      { title: "as", value: volume.reason },
      { title: "size", value: briefSize(volume.sizeBytes) },
      {
        title: "type",
        value: `${volume.type}, ${volume.iops} IOPS, ${briefSize(volume.bytesPerSecond)} a second`,
      },
      { title: "encrypted", value: volume.isEncrypted ? "yes" : "no" },
      { title: "instance", value: holderOf(volume) },
      { title: "not yet as", value: volume.attachment?.reason },
      { title: "machine", value: volume.machine ?? "nowhere until it is attached" },
      { title: "storage", value: volume.storage },
      { title: "of", value: volume.snapshot },
      { title: "made", value: agoOf(volume.createdAt, nowMs) },
    ],
  };
}
