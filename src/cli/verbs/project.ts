import { CanopyError } from "#/base/errors.ts";
import type { ProjectChange, ProjectView } from "#/model/views.ts";
import { allOf } from "#/sdk/client.ts";
import { amountsOption, briefAmounts, none } from "../amounts.ts";
import { confirm } from "../confirm.ts";
import { parseAmount, parseNumber } from "../count.ts";
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
      .command("set")
      .description("Change a project: its share, its quota, and with whom it shares what is idle")
      .argument("<name>")
      .option("--title <title>", "what people call it")
      .option("--weight <number>", "its share of machines beside other projects", parseAmount)
      .option(
        "--quota <amounts>",
        "what it may use at once, as in 20cpu or 20cpu,64GiB; none for no limit",
        amountsOption,
      )
      .option(
        "--cohort <name>",
        "projects that lend each other what is idle of their quotas; none to leave it",
      )
      .option(
        "--borrow <amounts>",
        "how much beyond its quota at most; none for all that is idle in its cohort",
        amountsOption,
      )
      .action(does((cli, name: string) => set(cli, name)));
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

async function set(cli: Cli, name: string): Promise<Result> {
  const names = ["title", "weight", "quota", "cohort", "borrow"];
  const given = Object.entries(cli.options).filter(([option]) => names.includes(option));
  const change: ProjectChange = Object.fromEntries(
    given.map(([option, value]) => [option, value === none && option !== "title" ? null : value]),
  );
  if (Object.keys(change).length === 0) {
    throw new CanopyError("invalid", `Cannot set the project ${name} as nothing is asked for`, {
      hint: `canopy project set ${name} --quota 20cpu --cohort lab`,
    });
  }
  const project = await (await cli.client()).changeProject(name, change);
  return { type: "done", value: project, message: `${name}: ${describe(project)}` };
}

/** "weight 1, quota 20cpu, in cohort lab, borrows up to 100cpu". */
function describe({ weight, quota, cohort, borrow }: ProjectView): string {
  return [
    `weight ${weight}`,
    quota ? `quota ${briefAmounts(quota)}` : "no quota",
    ...(cohort === undefined ? [] : [`in cohort ${cohort}`]),
    ...(cohort === undefined
      ? []
      : [`borrows ${borrow ? `up to ${briefAmounts(borrow)}` : "what is idle"}`]),
  ].join(", ");
}

async function list(cli: Cli): Promise<Result> {
  const client = await cli.client();
  const items = await Array.fromAsync(allOf((page) => client.projects(page)));
  const nowMs = cli.terminal.world.clock.now();
  const columns = [
    column<ProjectView>("project", ({ name }) => name),
    column<ProjectView>("title", ({ title }) => title, { flexible: true }),
    column<ProjectView>("weight", ({ weight }) => String(weight), { align: "right" }),
    column<ProjectView>("quota", ({ quota }) => briefAmounts(quota), { align: "right" }),
    column<ProjectView>("in use", ({ used }) => briefAmounts(used), { align: "right" }),
    column<ProjectView>("cohort", ({ cohort }) => cohort ?? ""),
    column<ProjectView>("borrow", ({ borrow }) => briefAmounts(borrow), { align: "right" }),
    column<ProjectView>("made", ({ createdAt }) => agoOf(createdAt, nowMs), { align: "right" }),
  ];
  return {
    type: "table",
    rows: items,
    columns,
    empty: "No projects yet. Make one with: canopy project create NAME",
  };
}
