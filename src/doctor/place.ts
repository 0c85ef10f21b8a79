import type { LogFault, Mendable, OnRecord } from "#/space/logs/examination.ts";
import { Contents, type SetAside } from "./contents.ts";
import { goodUnless, type Finding } from "./finding.ts";

/** Where a cloud keeps its records and blobs. */
export interface Place {
  /** The commands that look at it, and that make one like it of a backup. */
  commands: { doctor: string; restore: string };
  /** "in-use": another process has it open, and nothing could be looked at. */
  examine(onRecord: OnRecord): Promise<LogFault[] | "in-use">;
  /** Mends its log; gives the copies that it made before. */
  repair(mends: ReadonlySet<Mendable>): Promise<string[]>;
  blobs(): Promise<SetAside>;
}

/** Looks at all that a place holds, whichever it is, and mends what can be mended when told to. */
export async function examinePlace(place: Place, repair: boolean): Promise<Finding[]> {
  let contents = new Contents();
  const examine = () => place.examine((record, isLive) => contents.see(record, isLive));
  let faults = await examine();
  const mended: Finding[] = [];
  const mends = new Set(faults === "in-use" ? [] : faults.flatMap(({ mend }) => mend ?? []));
  if (repair && faults !== "in-use" && mends.size > 0) {
    mended.push(...mendedFindings(faults, await place.repair(mends)));
    contents = new Contents();
    faults = await examine();
  }
  if (faults === "in-use") {
    return [
      {
        check: "log",
        state: "unknown",
        detail:
          "A cloud is running over it: the log and what it names are looked at when it is stopped",
      },
    ];
  }
  const logFindings = faults.map((fault) => logFinding(fault, place.commands));
  return [
    ...mended,
    ...goodUnless("log", `${contents.records} records are whole`, logFindings),
    ...contents.stepFindings(),
    ...(await contents.blobFindings(await place.blobs(), repair)),
  ];
}

const remedies: Record<Mendable, string> = {
  "write-ahead":
    "Put that file back beside the database, or restore a backup. To go on without those changes:",
  changes: "Only watchers that come back need them. To set them aside:",
  names: "To note again where tasks are:",
  indexes: "To build the indexes again:",
  twice: "To keep the live one:",
  count:
    "Restore a backup, or the database from its own. To go on with the records that are there:",
  leader: "To note it again, from what is there:",
};

function logFinding({ detail, mend }: LogFault, { doctor, restore }: Place["commands"]): Finding {
  const remedy = mend ? `${remedies[mend]} ${doctor} --repair` : `Restore a backup: ${restore}`;
  return { check: "log", state: "fault", detail, remedy };
}

function mendedFindings(faults: LogFault[], copies: string[]): Finding[] {
  return faults
    .filter(({ mend }) => mend !== undefined)
    .map(({ detail }) => ({
      check: "log",
      state: "repaired",
      detail,
      ...(copies.length > 0 && { remedy: `As it was: ${copies.join(", ")}` }),
    }));
}
