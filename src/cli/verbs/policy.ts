import { objectiveText } from "#/model/objective-views.ts";
import type { AutonomicPolicyView } from "#/model/policy-views.ts";
import { formatDuration, formatSize } from "#/model/units.ts";
import { daysText } from "../chaos/days.ts";
import { confirm } from "../confirm.ts";
import { readPolicyFile } from "../policy/read.ts";
import { fleetText } from "../fleet-text.ts";
import type { Result } from "../result.ts";
import type { Verb } from "../verb.ts";

export const verb: Verb = {
  define(command, does) {
    command
      .command("show", { isDefault: true })
      .description("Show what Canopy may do by itself in this project")
      .action(does(async (cli) => shown(await (await cli.client()).policy())));
    command
      .command("set")
      .description("Set it from a YAML file: all of it at once")
      .argument("<file>", "the policy")
      .addHelpText(
        "after",
        `\nA policy, of which every line may be left out:\n  objective: cost             # of jobs that name none: cost, time, carbon, or weights:\n                              # {hour: 2 USD, kilogram: 0.10 USD}, for an hour earlier and CO2 less\n  deadline: 8h\n  budget: 20 USD\n  deadlineMax: 24h            # no job may ask for more, and those that ask for nothing get it\n  budgetMax: 100 USD\n  sites: [lab, aws]           # only these\n  sitesNever: [old]\n  markets: [on-demand]        # no spot\n  needs: { cpus: 4, memory: 8GiB, labels: { arch: x64 } }       # of machines that are bought, at least\n  where: offer.zone.startsWith("eu-") && offer.perHour < 1.0    # CEL, over offer and job\n  data:                       # what reads it, or what was made of it, runs only there\n    - { blobs: patients/, sites: [lab] }\n  quiet: mon-fri 22:00-06:00  # nothing is bought then\n  timeZone: Europe/Berlin\n  autonomy:                   # manual, observe, advise, approve, act\n    buy: approve              # beyond what an approved plan says\n    release: act\n    heal: act                 # second attempts, hung tasks, machines and jobs that misbehave\n    shift: act                # lets jobs with the objective carbon wait for cleaner power\n  savings:                    # the same levels; what is not named is left to people\n    unattached-volume: approve    # kept as a snapshot first\n    stale-snapshot: advise\n    orphaned-image-data: approve  # of deregistered images\n    forgotten-request: act\n    idle-instance: approve        # stopped, never terminated\n  fleet:                      # machines that jobs without a plan share\n    waitMax: 2m               # no task is to wait longer\n    machinesMin: 0\n    machinesMax: 8\n    budgetPerHour: 3 USD\n    idleFor: 5m               # then they are given back`,
      )
      .action(
        does(async (cli, file: string) => {
          const policy = await readPolicyFile(cli, file);
          return shown(await (await cli.client()).setPolicy(policy));
        }),
      );
    command
      .command("remove")
      .description("Bound nothing any more")
      .option("--yes", "do not ask")
      .action(
        does(async (cli) => {
          await confirm(cli.terminal, "remove the policy", "remove", cli.options["yes"] === true);
          await (await cli.client()).removePolicy();
          return { type: "done", value: { removed: true }, message: "The policy is removed." };
        }),
      );
  },
};

function needsOf({ cpus, memoryBytes, labels = {} }: NonNullable<AutonomicPolicyView["needs"]>) {
  return [
    ...(cpus === undefined ? [] : [`${cpus} CPUs`]),
    ...(memoryBytes === undefined ? [] : [formatSize(memoryBytes)]),
    ...Object.entries(labels).map(([name, value]) => `${name}=${value}`),
  ].join(", ");
}

function shown(policy: AutonomicPolicyView): Result {
  const { quiet, timeZone, autonomy, deadlineMs, deadlineMsMax } = policy;
  const list = (words: readonly string[] | undefined) => words?.join(", ");
  return {
    type: "record",
    value: policy,
    fields: [
      { title: "project", value: policy.project },
      { title: "objective", value: policy.objective && objectiveText(policy.objective) },
      {
        title: "deadline",
        value: deadlineMs === undefined ? undefined : formatDuration(deadlineMs),
      },
      {
        title: "at most",
        value: deadlineMsMax === undefined ? undefined : formatDuration(deadlineMsMax),
      },
      { title: "budget", value: policy.budget },
      { title: "at most", value: policy.budgetMax },
      { title: "only sites", value: list(policy.sites) },
      { title: "never sites", value: list(policy.sitesNever) },
      { title: "markets", value: list(policy.markets) },
      { title: "needs", value: policy.needs && needsOf(policy.needs) },
      { title: "where", value: policy.where },
      ...(policy.data ?? []).map(({ blobs, sites }) => ({
        title: "data",
        value: `${blobs} only at ${sites.join(", ")}`,
      })),
      {
        title: "quiet",
        value: quiet && `${daysText(quiet.days)} ${quiet.from}-${quiet.to} ${timeZone}`,
      },
      { title: "buys", value: autonomy.buy },
      { title: "releases", value: autonomy.release },
      { title: "heals", value: autonomy.heal },
      { title: "fleet", value: policy.fleet && fleetText(policy.fleet) },
      { title: "shifts", value: autonomy.shift },
      ...Object.entries(policy.savings ?? {}).map(([rule, level]) => ({
        title: rule,
        value: level,
      })),
    ],
  };
}
