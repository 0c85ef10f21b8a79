import { nodeHost } from "#/base/node/host.ts";
import { stderrLog } from "#/base/node/log.ts";
import type { DoctorWish } from "#/cli/programs.ts";
import { examineFolder } from "#/doctor/folder.ts";
import type { Finding } from "#/doctor/finding.ts";
import { examineSurroundings } from "#/doctor/surroundings.ts";
import { examineHosting } from "./hosting-doctor.ts";
import { examineShared } from "./shared-doctor.ts";
import { serversOf } from "./shared-log.ts";

/**
 * Looks at what `canopy up` would start from, a data folder or a log that it shares, and at what this computer can do for instances.
 * Throws what `examineShared` does.
 */
export async function examine({
  dataFolder,
  isNamed,
  log,
  repair,
}: DoctorWish): Promise<Finding[]> {
  const host = nodeHost(stderrLog("error", "doctor"));
  const options = { nodeVersion: process.version, repair };
  if (log === undefined) {
    const findings = await examineFolder(host, dataFolder, { ...options, isNamed });
    return [...findings, ...(await examineHosting(host))];
  }
  // The folder of a control plane that shares its log holds its secrets, and its agent's.
  const surroundings = async () =>
    (await host.files.stat(dataFolder)) ? examineSurroundings(host, dataFolder, options) : [];
  const findings = await examineShared(serversOf(log), surroundings, repair);
  return [...findings, ...(await examineHosting(host))];
}
