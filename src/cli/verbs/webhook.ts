import type { WebhookView } from "#/model/bucket-views.ts";
import { BucketCalls } from "#/sdk/bucket-calls.ts";
import { allOf } from "#/sdk/client.ts";
import { confirm } from "../confirm.ts";
import { column, type Result } from "../result.ts";
import type { Cli, Verb } from "../verb.ts";

const callsOf = async (cli: Cli) => new BucketCalls((await cli.client()).http);

export const verb: Verb = {
  define(command, does) {
    command
      .command("list", { isDefault: true })
      .description("List webhooks, what waits to be told and what never was")
      .action(does((cli) => list(cli)));
    command
      .command("create")
      .description("Make a webhook; its secret is shown once")
      .argument("<name>")
      .argument("<url>", "where messages are posted")
      .action(
        does(async (cli, name: string, url: string) => {
          const made = await (await callsOf(cli)).createWebhook({ name, url });
          return {
            type: "text",
            value: made,
            text: (out) =>
              `${made.arn}\n${made.secret}\n${out.isTty ? out.paint("dim", "Have it told by: canopy bucket tell, canopy instances tell. Check messages with the secret: it is not shown again.\n") : ""}`,
          };
        }),
      );
    command
      .command("delete")
      .description("Remove a webhook; what it was to be told is dropped")
      .argument("<name>")
      .option("--yes", "do not ask")
      .action(
        does(async (cli, name: string) => {
          const isSure = cli.options["yes"] === true;
          await confirm(cli.terminal, `remove the webhook ${name}`, name, isSure);
          await (await callsOf(cli)).removeWebhook(name);
          return { type: "done", value: { name, deleted: true }, message: `${name} is removed` };
        }),
      );
  },
};

async function list(cli: Cli): Promise<Result> {
  const calls = await callsOf(cli);
  const rows = await Array.fromAsync(allOf((page) => calls.webhooks(page)));
  return {
    type: "table",
    rows,
    columns: [
      column<WebhookView>("webhook", ({ name }) => name),
      column<WebhookView>("address", ({ url }) => url, { flexible: true }),
      column<WebhookView>("waiting", ({ waiting }) => String(waiting), { align: "right" }),
      column<WebhookView>("never told", ({ dead }) =>
        dead ? { text: `${dead.count}: ${dead.fault}`, tone: "red" } : "",
      ),
    ],
    empty: "No webhooks yet. Make one with: canopy webhook create NAME URL",
  };
}
