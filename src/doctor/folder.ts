import { join } from "node:path";
import type { Host } from "#/base/host.ts";
import { FileBlobs } from "#/blobs/files.ts";
import { examineSqlite } from "#/space/logs/sqlite/examine.ts";
import { repairSqlite } from "#/space/logs/sqlite/repair.ts";
import type { Finding } from "./finding.ts";
import { objectFindings } from "./objects.ts";
import { examinePlace, type Place } from "./place.ts";
import { examineProgram, examineSurroundings, type Surroundings } from "./surroundings.ts";

/**
 * Looks at all that a data folder holds; changes nothing unless told to repair, and then only what can
 * be mended without losing a record, after a copy was made. A folder without a cloud is a fault only where it
 * was named: who has no cloud yet asks what this computer is good for.
 */
export async function examineFolder(
  host: Pick<Host, "files" | "clock" | "processes">,
  dataFolder: string,
  options: Surroundings & { isNamed: boolean },
): Promise<Finding[]> {
  const { files, clock } = host;
  const file = join(dataFolder, "space.db");
  if (!(await files.stat(file)))
    return [...examineProgram(host, options), noCloud(dataFolder, options.isNamed)];
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
    blobs: () => FileBlobs.open({ files, clock, folder: join(dataFolder, "blobs") }),
  };
  const placed = await examinePlace(place, options.repair);
  const objects = await objectFindings(join(dataFolder, "objects"), names);
  return [...surroundings, ...placed, ...objects];
}

function noCloud(dataFolder: string, isNamed: boolean): Finding {
  const check = "cloud";
  if (isNamed)
    return {
      check,
      state: "fault",
      detail: `Cannot look at ${dataFolder} as it holds no cloud`,
      remedy:
        "Name the folder: canopy doctor --data FOLDER, or the log that it shares: --log postgres://…",
    };
  return {
    check,
    state: "unknown",
    detail: `There is none in ${dataFolder} yet`,
    remedy: "Start one: canopy up, or name the folder of another: canopy doctor --data FOLDER",
  };
}
