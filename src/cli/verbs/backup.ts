import { resolve } from "node:path";
import { briefSize } from "#/model/units.ts";
import type { ObjectsFacts } from "../programs.ts";
import type { Verb } from "../verb.ts";

export const verb: Verb = {
  define(command, does) {
    command
      .argument("<file>", "the file to write, a tar")
      .option("--secrets", "with the root token, so that whoever has the file can open everything")
      .option("--without-objects", "without the objects of buckets: records and blobs only")
      .addHelpText(
        "after",
        `
What tasks printed is not in it, nor are the bytes of large objects that canopy up --objects keeps in another cluster.
Objects that were encrypted (SSE-S3, SSE-KMS), and secrets of access keys, open again with the cloud's own CANOPY_MASTER_KEY;
where it has none of its own, only with a backup that was taken with --secrets.
To go back to it: canopy restore FILE`,
      )
      .action(
        does(async (cli, name: string) => {
          const { world } = cli.terminal;
          const file = resolve(world.folder, name);
          const client = await cli.client();
          const pieces = await client.streamBackup({
            secrets: cli.options["secrets"] === true,
            objects: cli.options["withoutObjects"] !== true,
          });
          const { sizeBytes } = await world.files.writeStream(file, pieces, { mode: 0o600 });
          const { objects } = await cli.programs.examineBackup(file);
          return {
            type: "done",
            value: { file, sizeBytes, ...(objects && { objects }) },
            message: `${file} holds the cloud as it is now, in ${briefSize(sizeBytes)}${told(objects)}`,
          };
        }),
      );
  },
};

function told(objects: ObjectsFacts | undefined): string {
  if (!objects) return ", without objects of buckets";
  const { missing, isElsewhere } = objects;
  const elsewhere = isElsewhere
    ? "; the bytes of large objects are not in it, but in the cluster that --objects names"
    : "";
  const lost =
    missing > 0
      ? `; ${missing} files of objects are not in it, as the disk has lost them: canopy doctor names them`
      : "";
  return `, ${objects.objects} objects with it${elsewhere}${lost}`;
}
