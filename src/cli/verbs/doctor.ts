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
      .option("--repair", "mend what can be mended without losing a record, after making a copy")
      .action(
        does(async (cli) => {
          const { data, repair = false } = cli.options as { data?: string; repair?: boolean };
          const { terminal, programs } = cli;
          const folder = resolve(terminal.world.folder, data ?? programs.config.dataFolder);
          const rows = await programs.doctor(folder, repair);
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
