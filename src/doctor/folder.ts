import { join } from "node:path";
import { CanopyError } from "#/base/errors.ts";
import type { Host } from "#/base/host.ts";
import { FileBlobs } from "#/blobs/files.ts";
import { examineSqlite } from "#/space/logs/sqlite/examine.ts";
import { repairSqlite } from "#/space/logs/sqlite/repair.ts";
import type { Finding } from "./finding.ts";
import { objectFindings } from "./objects.ts";
import { examinePlace, type Place } from "./place.ts";
import { examineSurroundings, type Surroundings } from "./surroundings.ts";

/**
 * Looks at all that a data folder holds; changes nothing unless told to repair, and then only what can
 * be mended without losing a record, after a copy was made. Throws CanopyError "not-found" when there is
 * no data folder.
 */
export async function examineFolder(
  host: Pick<Host, "files" | "processes">,
  dataFolder: string,
  options: Surroundings,
): Promise<Finding[]> {
  const { files } = host;
  const file = join(dataFolder, "space.db");
  if (!(await files.stat(file))) {
    throw new CanopyError("not-found", `Cannot look at ${dataFolder} as it holds no cloud`, {
      hint: "Name the folder: canopy doctor --data FOLDER, or the log that it shares: --log postgres://…",
    });
  }
  const surroundings = await examineSurroundings(host, dataFolder, options);
  const names = new Map<string, string>();
  const place: Place = {
    commands: {
      doctor: `canopy doctor --data ${dataFolder}`,
      restore: "canopy restore FILE --data FOLDER",
    },
    examine: async (onRecord) =>
      examineSqlite(file, (record, isLive) => {
        if (record.kind === "bucket") names.set(record.spec.id, record.name);
        onRecord(record, isLive);
      }),
    repair: async (mends) => repairSqlite(file, mends),
    blobs: () => FileBlobs.open({ files, folder: join(dataFolder, "blobs") }),
  };
  const placed = await examinePlace(place, options.repair);
  const objects = await objectFindings(join(dataFolder, "objects"), names);
  return [...surroundings, ...placed, ...objects];
}
