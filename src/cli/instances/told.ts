import type { Command } from "commander";
import type { InstanceEventName } from "#/model/instance-event.ts";
import type { EventSubscriptionView } from "#/model/instance-views.ts";
import { column } from "../result.ts";
import type { Cli, Does, Done } from "../verb.ts";
import { labelsOf, many } from "../words.ts";
import { instanceCalls, instanceNamed } from "./find.ts";

interface TellOptions {
  webhook?: string;
  queue?: string;
  on?: InstanceEventName[];
  instance?: string[];
  tag?: string[];
}

/** Who is told of what happens to instances. */
export function defineTold(command: Command, does: Does): void {
  command
    .command("told")
    .description("List who is told of what happens to instances")
    .action(
      does(async (cli) => {
        const { items } = await (await instanceCalls(cli)).eventSubscriptions();
        return { type: "table", rows: items, columns, empty };
      }),
    );
  command
    .command("tell")
    .description("Have a webhook or a queue told of what happens to instances")
    .option("--webhook <name>", "a webhook of the project")
    .option("--queue <name>", "a queue of the project")
    .option(
      "--on <events...>",
      "states that they come into, and interruption of a spot instance; all when absent",
    )
    .option("--instance <instance>", "of this one, by its id or name; may be repeated", many)
    .option("--tag <name=value>", "of those that have it; may be repeated", many)
    .action(does((cli) => tell(cli)));
  command
    .command("untell")
    .description("Tell somebody no longer")
    .argument("<subscription>", "its id, as 'canopy instances told' lists it")
    .action(
      does(async (cli, id: string) => {
        await (await instanceCalls(cli)).tellNoLonger(id);
        return { type: "done", value: { id, removed: true }, message: `${id} is removed` };
      }),
    );
}

async function tell(cli: Cli): Promise<Done> {
  const { webhook, queue, on, instance, tag } = cli.options as TellOptions;
  const calls = await instanceCalls(cli);
  const instances: string[] = [];
  for (const word of instance ?? []) instances.push(await instanceNamed(calls, word));
  const value = await calls.tell({
    ...(webhook !== undefined && { webhook }),
    ...(queue !== undefined && { queue }),
    ...(on && { events: on }),
    ...(instance && { instances }),
    ...(tag && { tags: labelsOf(tag) }),
  });
  return {
    result: { type: "done", value, message: `${value.to} is told, as ${value.id}` },
    exitCode: 0,
  };
}

const columns = [
  column<EventSubscriptionView>("subscription", ({ id }) => id),
  column<EventSubscriptionView>("told", ({ to }) => to),
  column<EventSubscriptionView>("events", ({ events }) => events.join(" "), { flexible: true }),
  column<EventSubscriptionView>("of", ofWhich, { flexible: true }),
  column<EventSubscriptionView>("fault", ({ isGone, missed }) => {
    if (isGone) return { text: "it was removed", tone: "red" };
    return missed ? { text: `${missed.count} missed`, tone: "red" } : "";
  }),
];
const empty = "Nobody yet. Tell somebody with: canopy instances tell --webhook NAME";

function ofWhich({ instances = [], tags = {} }: EventSubscriptionView): string {
  const words = [...instances, ...Object.entries(tags).map(([key, value]) => `${key}=${value}`)];
  return words.length === 0 ? "all" : words.join(" ");
}
