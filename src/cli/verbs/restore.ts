import { resolve } from "node:path";
import { CanopyError } from "#/base/errors.ts";
import type { ObjectsFacts, RestoreWish } from "../programs.ts";
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
      .option("--without-objects", "leave out the objects of buckets")
      .addHelpText(
        "after",
        `
A folder that was restored from a backup without --secrets has a root token of its own. What the cloud sealed (objects with SSE-S3 or
SSE-KMS, secrets of access keys) opens only where canopy up has the same CANOPY_MASTER_KEY as before, or none as before and the backup
was taken with --secrets. Where large objects are in another cluster, start it with the same --objects, and the old cloud never again:
what one of the two removes is gone for both. Control planes that share a log keep no objects.`,
      )
      .action(
        does(async (cli, name: string) => {
          const { terminal, programs } = cli;
          const to = wishOf(cli);
          const restored = await programs.restore(resolve(terminal.world.folder, name), to);
          const { place, takenAt, live, archived, blobs, hasSecrets } = restored;
          const key = hasSecrets
            ? ""
            : "; it gets a root token of its own, and what was sealed (encrypted objects, access keys) opens only with the CANOPY_MASTER_KEY that the cloud had";
          const flag = "log" in to ? "--log" : "--data";
          return {
            type: "done",
            value: restored,
            message:
              `${place} is as the cloud was at ${takenAt}: ${live + archived} records, ` +
              `${blobs} blobs, ${told(restored.objects)}${key}. Start it: canopy up ${flag} ${place}` +
              (restored.objects?.isElsewhere ? " --objects …" : ""),
          };
        }),
      );
  },
};

/** A flag goes before the environment, which may name a log too. */
function wishOf({ terminal, programs, options }: Cli): RestoreWish {
  const { data, log } = options as { data?: string; log?: string };
  const withoutObjects = options["withoutObjects"] === true;
  const { dataFolder, logUrl } = programs.config;
  if (data !== undefined && log !== undefined)
    throw new CanopyError(
      "invalid",
      "Cannot restore into two places as a backup is put back into a folder or a log: current value is both",
      { hint: "Name one of them: --data FOLDER, or --log postgres://…" },
    );
  const shared = log ?? (data === undefined ? logUrl : undefined);
  return shared === undefined
    ? { dataFolder: resolve(terminal.world.folder, data ?? dataFolder), withoutObjects }
    : { log: shared, withoutObjects };
}

function told(objects: ObjectsFacts | undefined): string {
  if (!objects) return "no objects";
  const { missing, isElsewhere } = objects;
  const elsewhere = isElsewhere
    ? "; the bytes of large ones are in the cluster of --objects: start it with the same, and the old cloud never again"
    : "";
  const lost = missing > 0 ? `; ${missing} files of them were lost before the backup` : "";
  return `${objects.objects} objects${elsewhere}${lost}`;
}
