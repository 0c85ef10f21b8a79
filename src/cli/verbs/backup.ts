import { resolve } from "node:path";
import { briefSize } from "#/model/units.ts";
import type { Verb } from "../verb.ts";

export const verb: Verb = {
  define(command, does) {
    command
      .argument("<file>", "the file to write, a tar")
      .option("--secrets", "with the root token, so that whoever has the file can open everything")
      .addHelpText(
        "after",
        "\nWhat tasks printed is not in it. To go back to it: canopy restore FILE",
      )
      .action(
        does(async (cli, name: string) => {
          const { world } = cli.terminal;
          const file = resolve(world.folder, name);
          const client = await cli.client();
          const pieces = await client.streamBackup({ secrets: cli.options["secrets"] === true });
          const { sizeBytes } = await world.files.writeStream(file, pieces, { mode: 0o600 });
          return {
            type: "done",
            value: { file, sizeBytes },
            message: `${file} holds the cloud as it is now, in ${briefSize(sizeBytes)}`,
          };
        }),
      );
  },
};
