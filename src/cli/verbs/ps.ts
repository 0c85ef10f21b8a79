import { parseCount } from "../count.ts";
import { column } from "../result.ts";
import {
  briefEnergyOf,
  briefGramsOf,
  countOf,
  microsOf,
  phaseCell,
  shareOf,
  spanOf,
} from "../words.ts";
import type { Verb } from "../verb.ts";
import type { JobView, Page, StatusView } from "#/model/views.ts";
import { allOf, type Client } from "#/sdk/client.ts";

const limitDefault = 20;

export const verb: Verb = {
  define(command, does) {
    command
      .option("--phase <phase>", "only those: running, succeeded, failed or cancelled")
      .option("-n, --limit <count>", `at most so many, ${limitDefault} when absent`, parseCount)
      .option("-a, --all", "all of them, however many")
      .addHelpText(
        "after",
        "\nExamples:\n  canopy ps --phase failed\n  canopy ps --json=id,title,phase",
      )
      .action(
        does(async (cli) => {
          const {
            phase,
            all,
            limit = limitDefault,
          } = cli.options as { phase?: string; all?: boolean; limit?: number };
          const wanted = phase === undefined ? {} : { phase };
          const client = await cli.client();
          const [page, status] = await Promise.all([
            all ? allJobs(client, wanted) : client.jobs({ limit, ...wanted }),
            client.status(),
          ]);
          const nowMs = cli.terminal.world.clock.now();
          return {
            type: "table",
            rows: page.items,
            columns: jobColumns(nowMs, status),
            empty:
              phase === undefined
                ? "No jobs yet. Run one with: canopy run -- echo hi"
                : `No jobs are ${phase}.`,
            note:
              page.next === undefined
                ? undefined
                : `There are more. See them with: canopy ps --limit ${limit * 5}`,
          };
        }),
      );
  },
};

async function allJobs(client: Client, wanted: { phase?: string }): Promise<Page<JobView>> {
  return { items: await Array.fromAsync(allOf((query) => client.jobs({ ...query, ...wanted }))) };
}

/** Columns of a list of jobs. */
export function jobColumns(nowMs: number, { currency }: StatusView) {
  return [
    column<JobView>("job", ({ id }) => id),
    column<JobView>("title", ({ title }) => title, { flexible: true }),
    column<JobView>("phase", ({ phase }) => phaseCell(phase)),
    column<JobView>("tasks", ({ tasks }) => (tasks ? shareOf(tasks) : ""), { align: "right" }),
    column<JobView>(
      "failed",
      ({ tasks }) =>
        tasks && tasks.failed > 0 ? { text: countOf(tasks.failed), tone: "red" } : "",
      { align: "right" },
    ),
    column<JobView>("age", ({ submittedAt }) => spanOf(submittedAt, undefined, nowMs), {
      align: "right",
    }),
    column<JobView>(
      "took",
      ({ submittedAt, endedAt }) =>
        endedAt === undefined ? "" : spanOf(submittedAt, endedAt, nowMs),
      { align: "right" },
    ),
    column<JobView>("cost", ({ usage }) => (usage ? microsOf(usage.costMicros, currency) : ""), {
      align: "right",
    }),
    column<JobView>("energy", ({ usage }) => (usage ? briefEnergyOf(usage) : ""), {
      align: "right",
    }),
    column<JobView>("CO2", ({ usage }) => (usage ? briefGramsOf(usage) : ""), { align: "right" }),
    column<JobView>("why", ({ reason, held }) => reason ?? (held ? heldText(held) : ""), {
      flexible: true,
    }),
  ];
}

function heldText({ until, savingShare }: NonNullable<JobView["held"]>): string {
  return `until ${until.slice(0, 16)}Z: waits for cleaner power, ${Math.round(savingShare * 100)}% less CO2`;
}
