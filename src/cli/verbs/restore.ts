import { resolve } from "node:path";
import type { Verb } from "../verb.ts";

export const verb: Verb = {
  define(command, does) {
    command
      .argument("<file>", "what canopy backup wrote")
      .option("--data <folder>", "the folder to make, which must be empty or not there")
      .action(
        does(async (cli, name: string) => {
          const { terminal, programs, options } = cli;
          const inFolder = (path: string) => resolve(terminal.world.folder, path);
          const { data } = options as { data?: string };
          const dataFolder = inFolder(data ?? programs.config.dataFolder);
          const restored = await programs.restore(inFolder(name), dataFolder);
          const key = restored.hasSecrets ? "" : "; it gets a root token of its own";
          return {
            type: "done",
            value: { dataFolder, ...restored },
            message:
              `${dataFolder} is as the cloud was at ${restored.takenAt}: ${restored.live + restored.archived} records, ` +
              `${restored.objects} objects${key}. Start it: canopy up --data ${dataFolder}`,
          };
        }),
      );
  },
};
