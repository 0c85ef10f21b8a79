import { join } from "node:path";
import { CanopyError } from "#/base/errors.ts";
import { nodeHost } from "#/base/node/host.ts";
import { stderrLog } from "#/base/node/log.ts";
import { Contents } from "#/doctor/contents.ts";
import { goodUnless, type Finding } from "#/doctor/finding.ts";
import { examineSurroundings } from "#/doctor/surroundings.ts";
import { FileObjects } from "#/objects/files.ts";
import { examineSqlite, type LogFault, type Mendable } from "#/space/logs/sqlite/examine.ts";
import { repairSqlite } from "#/space/logs/sqlite/repair.ts";

/**
 * Looks at all that a data folder holds; changes nothing unless told to repair, and then only what can
 * be mended without losing a record, after a copy was made. Throws CanopyError "not-found" when there is
 * no data folder.
 */
export async function examineFolder(dataFolder: string, repair: boolean): Promise<Finding[]> {
  const host = nodeHost(stderrLog("error", "doctor"));
  const file = join(dataFolder, "space.db");
  if (!(await host.files.stat(file))) {
    throw new CanopyError("not-found", `Cannot look at ${dataFolder} as it holds no cloud`, {
      hint: "Name the folder: canopy doctor --data FOLDER",
    });
  }
  let contents = new Contents();
  const examine = () => examineSqlite(file, (record, isLive) => contents.see(record, isLive));
  let { state, faults } = examine();
  const mended: Finding[] = [];
  const mends = new Set(faults.flatMap(({ mend }) => mend ?? []));
  if (repair && mends.size > 0) {
    mended.push(...mendedFindings(faults, repairSqlite(file, mends)));
    contents = new Contents();
    ({ state, faults } = examine());
  }
  const isInUse = state === "in-use";
  const findings = [
    ...(await examineSurroundings(host, dataFolder, { nodeVersion: process.version, repair })),
    ...mended,
  ];
  if (isInUse) {
    findings.push({
      check: "log",
      state: "unknown",
      detail:
        "A cloud is running over it: the log and what it names are looked at when it is stopped",
    });
    return findings;
  }
  const objects = await FileObjects.open({
    files: host.files,
    folder: join(dataFolder, "objects"),
  });
  const folder = join(dataFolder, "objects");
  return [
    ...findings,
    ...goodUnless("log", `${contents.records} records are whole`, faults.map(logFinding)),
    ...contents.stepFindings(),
    ...(await contents.objectFindings({ files: host.files, folder, objects }, repair)),
  ];
}

const remedies: Record<Mendable, string> = {
  "write-ahead":
    "Put that file back beside the database, or restore a backup. To go on without those changes: canopy doctor --repair",
  changes: "Only watchers that come back need them. To set them aside: canopy doctor --repair",
  names: "To note again where tasks are: canopy doctor --repair",
  indexes: "To build the indexes again: canopy doctor --repair",
  twice: "To keep the live one: canopy doctor --repair",
};

function logFinding({ detail, mend }: LogFault): Finding {
  const remedy = mend ? remedies[mend] : "Restore a backup: canopy restore FILE --data FOLDER";
  return { check: "log", state: "fault", detail, remedy };
}

function mendedFindings(faults: LogFault[], copies: string[]): Finding[] {
  return faults
    .filter(({ mend }) => mend !== undefined)
    .map(({ detail }) => ({
      check: "log",
      state: "repaired",
      detail,
      remedy: `As it was: ${copies.join(", ")}`,
    }));
}
