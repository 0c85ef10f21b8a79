import { resolve } from "node:path";
import type { DoctorFinding } from "../programs.ts";
import { column, type Cell } from "../result.ts";
import type { Tone } from "../terminal.ts";
import type { Verb } from "../verb.ts";

const tones: Record<DoctorFinding["state"], Tone> = {
  good: "green",
  warning: "yellow",
  fault: "red",
  repaired: "cyan",
  unknown: "dim",
};

export const verb: Verb = {
  define(command, does) {
    command
      .option("--data <folder>", "the data folder to look at")
      .option(
        "--log <address>",
        "the log that control planes share: postgres://user@host/database, or CANOPY_LOG_URL",
      )
      .option("--repair", "mend what can be mended without losing a record, after making a copy")
      .addHelpText(
        "after",
        "\nIt looks at what canopy up starts from with the same options. A data folder is looked at while no cloud runs over it;" +
          "\na shared log also while control planes do, but repaired only when none leads. What this computer can do for" +
          "\ninstances, and what to install for more, is said also where there is no cloud yet.",
      )
      .action(
        does(async (cli) => {
          const { data, log, repair = false } = cli.options as unknown as DoctorOptions;
          const { terminal, programs } = cli;
          const { config } = programs;
          const rows = await programs.doctor({
            dataFolder: resolve(terminal.world.folder, data ?? config.dataFolder),
            isNamed: data !== undefined,
            log: log ?? config.logUrl,
            repair,
          });
          const faults = rows.filter(({ state }) => state === "fault");
          const remedies = new Set(rows.flatMap(({ remedy }) => remedy ?? []));
          return {
            result: {
              type: "table",
              rows,
              columns: [
                column<DoctorFinding>("check", ({ check }) => check),
                column<DoctorFinding>("state", ({ state }): Cell => ({
                  text: state,
                  tone: tones[state],
                })),
                column<DoctorFinding>("finding", ({ detail }) => detail, { flexible: true }),
              ],
              empty: "",
              note: remedies.size === 0 ? undefined : ["", ...remedies].join("\n  next "),
            },
            exitCode: faults.length === 0 ? 0 : 1,
          };
        }),
      );
  },
};

interface DoctorOptions {
  data?: string;
  log?: string;
  repair?: boolean;
}
