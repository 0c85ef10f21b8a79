import { Option } from "commander";
import type { KeyView } from "#/model/views.ts";
import { allOf } from "#/sdk/client.ts";
import { confirm } from "../confirm.ts";
import { durationOption } from "../count.ts";
import { column, type Result } from "../result.ts";
import type { Cli, Verb } from "../verb.ts";
import { agoOf } from "../words.ts";
import { briefDuration } from "#/model/units.ts";

export const verb: Verb = {
  define(command, does) {
    command
      .command("list", { isDefault: true })
      .description("List keys")
      .action(does((cli) => list(cli)));
    command
      .command("create")
      .description("Make a key; it is shown once")
      .argument("<title>", "whose it is, or what for")
      .addOption(
        new Option(
          "--role <role>",
          "what it may do; submitter when absent, admin of a user's",
        ).choices(["viewer", "submitter", "admin"]),
      )
      .option("--user <name>", "bound by the policies of this user of the project")
      .option("--expires <duration>", "good for this long, as in 30d", durationOption)
      .action(
        does(async (cli, title: string) => {
          const { role, user, expires } = cli.options as {
            role?: KeyView["role"];
            user?: string;
            expires?: number;
          };
          const expiresAt =
            expires === undefined
              ? {}
              : { expiresAt: new Date(cli.terminal.world.clock.now() + expires).toISOString() };
          const made = await (
            await cli.client()
          ).makeKey({
            title,
            ...(role !== undefined && { role }),
            ...(user !== undefined && { user }),
            ...expiresAt,
          });
          return {
            type: "text",
            value: made,
            text: (out) =>
              out.isTty
                ? `${made.key}\n${out.paint("dim", `This is the only time that it is shown. Its name is ${made.name}.`)}\n`
                : `${made.key}\n`,
          };
        }),
      );
    command
      .command("remove")
      .description("Remove a key: whoever has it is refused from then on")
      .argument("<name>")
      .option("--yes", "do not ask")
      .action(
        does(async (cli, name: string) => {
          await confirm(cli.terminal, `remove the key ${name}`, name, cli.options["yes"] === true);
          await (await cli.client()).removeKey(name);
          return { type: "done", value: { name, removed: true }, message: `${name} is removed` };
        }),
      );
  },
};

async function list(cli: Cli): Promise<Result> {
  const client = await cli.client();
  const items = await Array.fromAsync(allOf((page) => client.keys(page)));
  const nowMs = cli.terminal.world.clock.now();
  const columns = [
    column<KeyView>("key", ({ name }) => name),
    column<KeyView>("title", ({ title }) => title, { flexible: true }),
    column<KeyView>("project", ({ project }) => project),
    column<KeyView>("role", ({ role }) => role),
    ...(items.some(({ user }) => user !== undefined)
      ? [column<KeyView>("user", ({ user }) => user ?? "")]
      : []),
    column<KeyView>("made", ({ createdAt }) => agoOf(createdAt, nowMs), { align: "right" }),
    column<KeyView>("expires", ({ expiresAt }) => expiresAt ?? "never"),
    ...(items.some(({ slowed }) => slowed)
      ? [
          column<KeyView>("slowed", ({ slowed }) =>
            slowed ? { text: `a job every ${briefDuration(slowed.everyMs)}`, tone: "yellow" } : "",
          ),
        ]
      : []),
  ];
  return {
    type: "table",
    rows: items,
    columns,
    empty: "No keys yet. Make one with: canopy key create NAME",
  };
}
