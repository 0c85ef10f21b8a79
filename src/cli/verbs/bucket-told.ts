import type { Command } from "commander";
import { CanopyError } from "#/base/errors.ts";
import type { NotificationView } from "#/model/bucket-views.ts";
import { BucketCalls } from "#/sdk/bucket-calls.ts";
import { column } from "../result.ts";
import type { Cli, Does } from "../verb.ts";

const callsOf = async (cli: Cli) => new BucketCalls((await cli.client()).http);

/** Who is told of what happens in a bucket. */
export function defineTold(command: Command, does: Does): void {
  command
    .command("told")
    .description("List who is told of what happens in a bucket")
    .argument("<name>")
    .action(
      does(async (cli, name: string) => {
        const { items } = await (await callsOf(cli)).notifications(name);
        return {
          type: "table",
          rows: items,
          columns: [
            column<NotificationView>("notification", ({ id }) => id),
            column<NotificationView>("told", ({ to }) => to),
            column<NotificationView>("events", ({ events }) => events.join(" "), {
              flexible: true,
            }),
            column<NotificationView>("keys", keysOf),
          ],
          empty: `Nobody yet. Tell somebody with: canopy bucket tell ${name} --webhook NAME`,
        };
      }),
    );
  command
    .command("tell")
    .description("Have a webhook or a queue told of what happens in a bucket")
    .argument("<name>")
    .option("--webhook <name>", "a webhook of the project")
    .option("--queue <name>", "a queue of the project")
    .option("--on <events...>", "as S3 names them", ["ObjectCreated:*"])
    .option("--prefix <text>", "of keys that begin so")
    .option("--suffix <text>", "of keys that end so")
    .action(
      does(async (cli, name: string) => {
        const { webhook, queue, on, prefix, suffix } = cli.options as {
          webhook?: string;
          queue?: string;
          on: string[];
          prefix?: string;
          suffix?: string;
        };
        if ((webhook === undefined) === (queue === undefined))
          throw new CanopyError(
            "invalid",
            "Cannot tell of a bucket as --webhook or --queue must be given, and not both",
          );
        const value = await (
          await callsOf(cli)
        ).tell(name, {
          events: on,
          ...(webhook !== undefined && { webhook }),
          ...(queue !== undefined && { queue }),
          ...(prefix !== undefined && { prefix }),
          ...(suffix !== undefined && { suffix }),
        });
        return { type: "done", value, message: `${value.to} is told, as ${value.id}` };
      }),
    );
  command
    .command("untell")
    .description("Tell somebody no longer")
    .argument("<name>")
    .argument("<notification>", "its id, as 'canopy bucket told' lists it")
    .action(
      does(async (cli, name: string, id: string) => {
        await (await callsOf(cli)).tellNoLonger(name, id);
        return { type: "done", value: { id, removed: true }, message: `${id} is removed` };
      }),
    );
}

const keysOf = ({ prefix, suffix }: NotificationView) =>
  prefix === undefined && suffix === undefined ? "all" : `${prefix ?? ""}*${suffix ?? ""}`;
