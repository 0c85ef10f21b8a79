import type { SnapshotView } from "#/model/instance-views.ts";
import { briefSize } from "#/model/units.ts";
import { allOf } from "#/sdk/client.ts";
import { VolumeCalls } from "#/sdk/instances.ts";
import { sleep } from "#/base/clock.ts";
import { confirm } from "../confirm.ts";
import { column, type Result } from "../result.ts";
import type { Cli, Done, Verb } from "../verb.ts";
import { agoOf, labelsOf, many } from "../words.ts";

const everyMs = 500;

const callsOf = async (cli: Cli) => new VolumeCalls((await cli.client()).http);

export const verb: Verb = {
  define(command, does) {
    command
      .command("ls", { isDefault: true })
      .alias("list")
      .description("List snapshots")
      .option("--volume <volume>", "of this volume")
      .option("--tag <tag>", "that have it: NAME or NAME=VALUE")
      .action(does((cli) => list(cli)));
    command
      .command("create")
      .description("Keep what a volume holds at this moment")
      .argument("<volume>")
      .option("--name <name>", "what it is called: its tag Name")
      .option("--description <words>", "what it is for")
      .option("--tag <name=value>", "may be repeated", many)
      .option("--wait", "until all of it is kept")
      .action(does((cli, volume: string) => create(cli, volume)));
    command
      .command("rm")
      .alias("delete")
      .description("Delete a snapshot; what others share with it stays")
      .argument("<snapshot>")
      .option("--yes", "do not ask")
      .action(
        does(async (cli, id: string) => {
          await confirm(cli.terminal, `delete the snapshot ${id}`, id, cli.options["yes"] === true);
          await (await callsOf(cli)).removeSnapshot(id);
          return { type: "done", value: { id, deleted: true }, message: `${id} is deleted` };
        }),
      );
  },
};

async function create(cli: Cli, volume: string): Promise<Done> {
  const calls = await callsOf(cli);
  const { name, description, tag, wait } = cli.options as {
    name?: string;
    description?: string;
    tag?: string[];
    wait?: boolean;
  };
  let value = await calls.createSnapshot({
    volume,
    ...(name !== undefined && { name }),
    ...(description !== undefined && { description }),
    ...(tag && { tags: labelsOf(tag) }),
  });
  while (wait && value.state === "pending") {
    await sleep(cli.terminal.world.clock, everyMs);
    value = await calls.readSnapshot(value.id);
  }
  const hasFailed = value.state === "error";
  if (hasFailed) cli.terminal.err.write(`${value.id} failed: ${value.reason ?? "no reason"}\n`);
  const result: Result = { type: "text", value, text: () => `${value.id}\n` };
  return { result, exitCode: hasFailed ? 1 : 0 };
}

async function list(cli: Cli): Promise<Result> {
  const calls = await callsOf(cli);
  const { volume, tag } = cli.options as { volume?: string; tag?: string };
  const asked = { ...(volume !== undefined && { volume }), ...(tag !== undefined && { tag }) };
  const rows = await Array.fromAsync(allOf((page) => calls.snapshots({ ...asked, ...page })));
  const nowMs = cli.terminal.world.clock.now();
  return {
    type: "table",
    rows,
    columns: [
      column<SnapshotView>("snapshot", ({ id }) => id),
      column<SnapshotView>("name", ({ name = "" }) => name, { flexible: true }),
      column<SnapshotView>("state", ({ state, progress }) =>
        state === "pending" ? `${Math.round(progress)} %` : state,
      ),
      column<SnapshotView>("size", ({ sizeBytes }) => briefSize(sizeBytes), { align: "right" }),
      column<SnapshotView>(
        "new",
        ({ newBytes }) => (newBytes === undefined ? "" : briefSize(newBytes)),
        { align: "right" },
      ),
      column<SnapshotView>("volume", ({ volume: of = "" }) => of),
      column<SnapshotView>("taken", ({ createdAt }) => agoOf(createdAt, nowMs), {
        align: "right",
      }),
    ],
    empty: "No snapshots. Take one with: canopy snapshots create VOLUME",
  };
}
