import { resolve } from "node:path";
import { CanopyError } from "#/base/errors.ts";
import type { RestoreWish } from "../programs.ts";
import type { Cli, Verb } from "../verb.ts";

export const verb: Verb = {
  define(command, does) {
    command
      .argument("<file>", "what canopy backup wrote")
      .option("--data <folder>", "the folder to make, which must be empty or not there")
      .option(
        "--log <address>",
        "the log to make, in a database that holds no cloud: postgres://user@host/database, or CANOPY_LOG_URL",
      )
      .action(
        does(async (cli, name: string) => {
          const { terminal, programs } = cli;
          const to = wishOf(cli);
          const restored = await programs.restore(resolve(terminal.world.folder, name), to);
          const { place, takenAt, live, archived, objects, hasSecrets } = restored;
          const key = hasSecrets ? "" : "; it gets a root token of its own";
          const flag = "log" in to ? "--log" : "--data";
          return {
            type: "done",
            value: restored,
            message:
              `${place} is as the cloud was at ${takenAt}: ${live + archived} records, ` +
              `${objects} objects${key}. Start it: canopy up ${flag} ${place}`,
          };
        }),
      );
  },
};

/** A flag goes before the environment, which may name a log too. */
function wishOf({ terminal, programs, options }: Cli): RestoreWish {
  const { data, log } = options as { data?: string; log?: string };
  const { dataFolder, logUrl } = programs.config;
  if (data !== undefined && log !== undefined)
    throw new CanopyError(
      "invalid",
      "Cannot restore into two places as a backup is put back into a folder or a log: current value is both",
      { hint: "Name one of them: --data FOLDER, or --log postgres://…" },
    );
  const shared = log ?? (data === undefined ? logUrl : undefined);
  return shared === undefined
    ? { dataFolder: resolve(terminal.world.folder, data ?? dataFolder) }
    : { log: shared };
}
