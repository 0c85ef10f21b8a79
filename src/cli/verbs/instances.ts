import type { Command } from "commander";
import type { InstanceView } from "#/model/instance-views.ts";
import { allOf } from "#/sdk/client.ts";
import type { InstanceCalls } from "#/sdk/instances.ts";
import { confirm } from "../confirm.ts";
import { defineChange } from "../instances/change.ts";
import { printConsole, saveScreenshot } from "../instances/console.ts";
import { instanceCalls, instanceNamed } from "../instances/find.ts";
import { defineMigrate } from "../instances/migrate.ts";
import { defineCertificate } from "../instances/certificate.ts";
import { defineSavings } from "../instances/savings.ts";
import { defineRun } from "../instances/run.ts";
import { defineSpot } from "../instances/spot.ts";
import { openSsh } from "../instances/ssh.ts";
import { execIn, sitAtConsole } from "../instances/terminal.ts";
import { defineTold } from "../instances/told.ts";
import { instanceColumns, instanceRecord, typeColumns } from "../instances/tables.ts";
import { untilState } from "../instances/wait.ts";
import type { Result } from "../result.ts";
import type { Cli, Does, Verb } from "../verb.ts";

export const verb: Verb = {
  define(command, does) {
    defineRun(command, does);
    command
      .command("ls", { isDefault: true })
      .alias("list")
      .description("List instances")
      .option("--all", "those that are terminated, too")
      .option("--state <states>", "of these states, with commas between")
      .option("--type <type>", "of this type")
      .option("--machine <machine>", "on this machine")
      .option("--tag <tag>", "that have it: NAME or NAME=VALUE")
      .action(does((cli) => list(cli)));
    command
      .command("show")
      .description("Show an instance")
      .argument("<instance>", "its id, or its name")
      .action(
        does(async (cli, word: string) => {
          const calls = await instanceCalls(cli);
          const instance = await calls.read(await instanceNamed(calls, word));
          return instanceRecord(instance, cli.terminal.world.clock.now());
        }),
      );
    changing(command, does, {
      name: "start",
      summary: "Start instances that are stopped",
      until: "running",
      change: (calls, id) => calls.start(id),
    });
    changing(command, does, {
      name: "stop",
      summary: "Stop instances; they keep their volumes",
      until: "stopped",
      options: (stop) => stop.option("--hibernate", "keep what is in memory, to go on with that"),
      change: (calls, id, { hibernate = false }) => calls.stop(id, { hibernates: hibernate }),
    });
    changing(command, does, {
      name: "reboot",
      summary: "Reboot instances",
      until: "running",
      change: (calls, id) => calls.reboot(id),
    });
    defineChange(command, does);
    defineRemove(command, does);
    defineMigrate(command, does);
    defineCertificate(command, does);
    defineSavings(command, does);
    defineSpot(command, does);
    defineTold(command, does);
    command
      .command("console")
      .description("Sit at the serial console of an instance; in a pipe, print what it has printed")
      .argument("<instance>", "its id, or its name")
      .option("-f, --follow", "only print, and go on until it is gone")
      .option("--print", "only print what it has printed")
      .action(
        does((cli, word: string) => {
          const { follow, print, json } = cli.options as Record<string, unknown>;
          const { isTyped, out } = cli.terminal;
          const prints = follow === true || print === true || json !== undefined;
          return prints || !isTyped || !out.isTty
            ? printConsole(cli, word)
            : sitAtConsole(cli, word);
        }),
      );
    command
      .command("exec")
      .usage("<instance> [options] -- command...")
      .description("Run a command in a container, or in a system container")
      .argument("<instance>", "its id, or its name")
      .action(does((cli, word: string) => execIn(cli, word)));
    command
      .command("screenshot")
      .description("Save what the display of a VM shows, as a PNG")
      .argument("<instance>", "its id, or its name")
      .argument("<file>")
      .action(does((cli, word: string, file: string) => saveScreenshot(cli, word, file)));
    command
      .command("ssh")
      .usage("<instance> [options] [-- command...]")
      .description("Open a shell in an instance, or run a command there")
      .argument("<instance>", "its id, or its name")
      .option("--identity <file>", "the private half of its key pair")
      .option("--user <name>", "who you are there")
      .action(does((cli, word: string) => openSsh(cli, word)));
    command
      .command("types")
      .description("What there is to launch, what it costs, and for how many there is room")
      .option("--kind <kind>", "container, system, microvm or vm")
      .action(
        does(async (cli) => {
          const { kind } = cli.options as { kind?: string };
          const { items } = await (await instanceCalls(cli)).types(kind);
          return { type: "table", rows: items, columns: typeColumns, empty: "There are none." };
        }),
      );
  },
};

async function list(cli: Cli): Promise<Result> {
  const calls = await instanceCalls(cli);
  const { all, state, type, machine, tag } = cli.options as {
    all?: boolean;
    state?: string;
    type?: string;
    machine?: string;
    tag?: string;
  };
  const shown = state ?? (all ? undefined : "pending,running,stopping,stopped,shutting-down");
  const asked = {
    ...(shown !== undefined && { state: shown }),
    ...(type !== undefined && { type }),
    ...(machine !== undefined && { machine }),
    ...(tag !== undefined && { tag }),
  };
  const rows = await Array.fromAsync(allOf((page) => calls.list({ ...asked, ...page })));
  return {
    type: "table",
    rows,
    columns: instanceColumns(cli.terminal.world.clock.now()),
    empty: "No instances. Launch one with: canopy instances run IMAGE",
  };
}

interface Changing {
  name: string;
  summary: string;
  until: "running" | "stopped";
  options?: (command: Command) => Command;
  change: (calls: InstanceCalls, id: string, options: ChangingOptions) => Promise<InstanceView>;
}

interface ChangingOptions {
  wait?: boolean;
  hibernate?: boolean;
}

function changing(
  command: Command,
  does: Does,
  { name, summary, until, change, options = (one) => one }: Changing,
): void {
  options(command.command(name))
    .description(summary)
    .argument("<instances...>", "their ids, or names")
    .option("--wait", `until they are ${until}`)
    .action(
      does(async (cli, words: string[]) => {
        const calls = await instanceCalls(cli);
        const changed: InstanceView[] = [];
        const asked = cli.options as ChangingOptions;
        for (const word of words)
          changed.push(await change(calls, await instanceNamed(calls, word), asked));
        const { wait } = asked;
        const after = wait ? await untilState(cli, calls, changed, until) : changed;
        const missed = wait === true && after.some(({ state }) => state !== until);
        return { result: toldOf(after), exitCode: missed ? 1 : 0 };
      }),
    );
}

const toldOf = (instances: readonly InstanceView[]): Result => ({
  type: "done",
  value: instances,
  message: instances.map(({ id, state }) => `${id} is ${state}`).join("\n"),
});

function defineRemove(command: Command, does: Does): void {
  command
    .command("rm")
    .alias("terminate")
    .description("Terminate instances: nothing stays but the volumes that are to outlive them")
    .argument("<instances...>", "their ids, or names")
    .option("--yes", "do not ask")
    .option("--wait", "until they are gone")
    .action(
      does(async (cli, words: string[]) => {
        const { yes, wait } = cli.options as { yes?: boolean; wait?: boolean };
        const what = `terminate ${words.length === 1 ? `the instance ${words[0]}` : `${words.length} instances`}`;
        const asked = words.length === 1 ? words[0]! : String(words.length);
        await confirm(cli.terminal, what, asked, yes);
        const calls = await instanceCalls(cli);
        const ids: string[] = [];
        for (const word of words) ids.push(await instanceNamed(calls, word));
        const ended: InstanceView[] = [];
        for (const id of ids) ended.push(await calls.terminate(id));
        return toldOf(wait ? await untilState(cli, calls, ended, "terminated") : ended);
      }),
    );
}
