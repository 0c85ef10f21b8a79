import type { Command } from "commander";
import { CanopyError } from "#/base/errors.ts";
import type { InstanceChangeInput } from "#/sdk/instances.ts";
import type { Does } from "../verb.ts";
import { labelsOf, many } from "../words.ts";
import { instanceCalls, instanceNamed } from "./find.ts";

interface ChangeOptions {
  type?: string;
  protect?: boolean;
  recover?: boolean;
  name?: string;
  tag?: string[];
  untag?: string[];
}

export function defineChange(command: Command, does: Does): void {
  command
    .command("change")
    .description("Change what an instance is to be")
    .argument("<instance>", "its id, or its name")
    .option("--type <type>", "another one of the same kind, while it is stopped")
    .option("--protect", "it may not be terminated")
    .option("--no-protect", "it may be, again")
    .option("--recover", "when its machine dies, start it again elsewhere")
    .option("--no-recover", "leave it where it is")
    .option("--name <name>", "what it is called: its tag Name")
    .option("--tag <name=value>", "may be repeated", many)
    .option("--untag <name>", "may be repeated", many)
    .action(
      does(async (cli, word: string) => {
        const calls = await instanceCalls(cli);
        const id = await instanceNamed(calls, word);
        const options = cli.options as ChangeOptions;
        const { type, protect, recover, name, tag, untag } = options;
        const isOfTags = name !== undefined || tag !== undefined || untag !== undefined;
        const change: InstanceChangeInput = {
          ...(type !== undefined && { type }),
          ...(protect !== undefined && { isTerminationProtected: protect }),
          ...(recover !== undefined && { isRecovered: recover }),
          ...(isOfTags && { tags: tagsAfter((await calls.read(id)).tags, options) }),
        };
        if (Object.keys(change).length === 0)
          throw new CanopyError("invalid", `Cannot change ${id} as nothing is said to change`, {
            hint: "canopy instances change --help",
          });
        const value = await calls.change(id, change);
        return { type: "done", value, message: `${id} is changed` };
      }),
    );
}

function tagsAfter(
  before: Readonly<Record<string, string>>,
  { name, tag, untag = [] }: ChangeOptions,
): Record<string, string> {
  const tags = { ...before, ...labelsOf(tag), ...(name !== undefined && { Name: name }) };
  return Object.fromEntries(Object.entries(tags).filter(([one]) => !untag.includes(one)));
}
