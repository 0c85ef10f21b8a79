import type { ProjectView } from "#/model/views.ts";
import { allOf } from "#/sdk/client.ts";
import { confirm } from "../confirm.ts";
import { parseNumber } from "../count.ts";
import { column, type Result } from "../result.ts";
import type { Cli, Verb } from "../verb.ts";
import { agoOf } from "../words.ts";

export const verb: Verb = {
  define(command, does) {
    command
      .command("list", { isDefault: true })
      .description("List projects")
      .action(does((cli) => list(cli)));
    command
      .command("create")
      .description("Make a project")
      .argument("<name>")
      .option("--title <title>", "what people call it")
      .option(
        "--weight <number>",
        "its share of machines beside other projects, 1 when absent",
        parseNumber,
      )
      .action(
        does(async (cli, name: string) => {
          const { title, weight } = cli.options as { title?: string; weight?: number };
          const project = await (
            await cli.client()
          ).makeProject({
            name,
            ...(title === undefined ? {} : { title }),
            ...(weight === undefined ? {} : { weight }),
          });
          return {
            type: "done",
            value: project,
            message: `The project ${project.name} is made. Give someone a key: canopy key create --project ${project.name} --role submitter NAME`,
          };
        }),
      );
    command
      .command("remove")
      .description("Remove a project that has no running jobs")
      .argument("<name>")
      .option("--yes", "do not ask")
      .action(
        does(async (cli, name: string) => {
          await confirm(
            cli.terminal,
            `remove the project ${name}`,
            name,
            cli.options["yes"] === true,
          );
          await (await cli.client()).removeProject(name);
          return { type: "done", value: { name, removed: true }, message: `${name} is removed` };
        }),
      );
  },
};

async function list(cli: Cli): Promise<Result> {
  const client = await cli.client();
  const items = await Array.fromAsync(allOf((page) => client.projects(page)));
  const nowMs = cli.terminal.world.clock.now();
  const columns = [
    column<ProjectView>("project", ({ name }) => name),
    column<ProjectView>("title", ({ title }) => title, { flexible: true }),
    column<ProjectView>("weight", ({ weight }) => String(weight), { align: "right" }),
    column<ProjectView>("made", ({ createdAt }) => agoOf(createdAt, nowMs), { align: "right" }),
  ];
  return {
    type: "table",
    rows: items,
    columns,
    empty: "No projects yet. Make one with: canopy project create NAME",
  };
}
