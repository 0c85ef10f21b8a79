import { join } from "node:path";
import type { Host } from "#/base/host.ts";
import { limits } from "#/base/limits.ts";
import { briefSize } from "#/model/units.ts";
import { goodUnless, type Finding } from "./finding.ts";

const nodeVersionMin = 26;
const secretLengthMin = 32;

export interface Surroundings {
  nodeVersion: string;
  repair: boolean;
}

/** What tasks run with here, whether or not there is data. */
export function examineProgram(
  host: Pick<Host, "processes">,
  { nodeVersion }: Pick<Surroundings, "nodeVersion">,
): Finding[] {
  return [nodeFinding(nodeVersion), cagesFinding(host)];
}

/** What is around the data: the program that runs, space, who may read, what confines tasks. */
export async function examineSurroundings(
  host: Pick<Host, "files" | "processes">,
  folder: string,
  options: Surroundings,
): Promise<Finding[]> {
  return [
    nodeFinding(options.nodeVersion),
    await spaceFinding(host, folder),
    ...(await privacyFindings(host, folder, options.repair)),
    cagesFinding(host),
  ];
}

function nodeFinding(version: string): Finding {
  const isNew = Number(/^v?(\d+)/.exec(version)?.[1]) >= nodeVersionMin;
  return isNew
    ? { check: "node", state: "good", detail: `Node ${version}` }
    : {
        check: "node",
        state: "fault",
        detail: `Node must be ${nodeVersionMin} or newer: this is ${version}`,
        remedy: "Install it from https://nodejs.org",
      };
}

async function spaceFinding({ files }: Pick<Host, "files">, folder: string): Promise<Finding> {
  const freeBytes = await files.freeBytes(folder);
  const detail = `${briefSize(freeBytes)} are free`;
  if (freeBytes >= limits.doctorFreeBytesMin) return { check: "space", state: "good", detail };
  const isFull = freeBytes < limits.diskFreeBytesMin;
  return {
    check: "space",
    state: isFull ? "fault" : "warning",
    detail: isFull ? `${detail}, so nothing is acknowledged` : `Only ${detail}`,
    remedy: `Free some space on the disk that holds ${folder}`,
  };
}

/** What opens everything is for its owner alone, and whole. */
async function privacyFindings(
  { files }: Pick<Host, "files">,
  folder: string,
  repair: boolean,
): Promise<Finding[]> {
  const findings: Finding[] = [];
  const wanted = [
    { name: "", mode: 0o700 },
    { name: "root-token", mode: 0o600 },
    { name: "signing-secret", mode: 0o600 },
    { name: "agent/identity.json", mode: 0o600 },
  ];
  for (const { name, mode } of wanted) {
    const path = join(folder, name);
    const found = await files.stat(path);
    if (!found || (found.mode & 0o077) === 0) continue;
    if (repair) await files.setMode(path, mode);
    findings.push({
      check: "secrets",
      state: repair ? "repaired" : "fault",
      detail: `Others may look into ${path}: its mode was ${found.mode.toString(8)}`,
      ...(!repair && { remedy: `chmod ${mode.toString(8)} ${path}` }),
    });
  }
  for (const name of ["root-token", "signing-secret"]) {
    const path = join(folder, name);
    const content = await files.read(path);
    if (!content || Buffer.from(content).toString().trim().length >= secretLengthMin) continue;
    findings.push({
      check: "secrets",
      state: "fault",
      detail: `${path} is too short to be a secret`,
      remedy: `Take it from a backup, or have a new one made: rm ${path}`,
    });
  }
  const identity = join(folder, "agent", "identity.json");
  const kept = await files.read(identity);
  if (kept && !isJson(kept)) {
    findings.push({
      check: "secrets",
      state: "fault",
      detail: `${identity} cannot be read: this computer does not know which machine it is`,
      remedy: `Have it join again: rm ${identity}`,
    });
  }
  return goodUnless("secrets", "Only their owner reads them", findings);
}

function isJson(content: Uint8Array): boolean {
  try {
    return typeof JSON.parse(Buffer.from(content).toString()) === "object";
  } catch {
    return false;
  }
}

function cagesFinding({ processes }: Pick<Host, "processes">): Finding {
  const cages = processes.cages("canopy-doctor");
  cages?.close();
  return cages
    ? { check: "control groups", state: "good", detail: "Tasks can be held to their memory" }
    : {
        check: "control groups",
        state: "warning",
        detail:
          "Tasks are not held to the memory they ask for, as control groups may not be made here",
        remedy: "Run the agent as root, or delegate it a group",
      };
}
