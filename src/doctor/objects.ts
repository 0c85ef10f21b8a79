import { limits } from "#/base/limits.ts";
import { briefSize } from "#/model/units.ts";
import { examineStore } from "#/objects/local/examine.ts";
import { goodUnless, type Finding } from "./finding.ts";

const check = "objects";

/** What people call a bucket, by the id under which its objects are kept. */
export type BucketNames = ReadonlyMap<string, string>;

/** Reads every object of the buckets, and tells which are damaged: by their buckets' names, where those are known. */
export async function objectFindings(folder: string, names: BucketNames): Promise<Finding[]> {
  const found = await examineStore(folder);
  if (!found) return [];
  const { objects, bytes, damaged, elsewhere, indexFault } = found;
  const findings: Finding[] = damaged
    .slice(0, limits.doctorFindingsMax)
    .map(({ bucket, key, why }) => ({
      check,
      state: "fault",
      detail: `The object ${JSON.stringify(key)} in ${shown(bucket, names)} cannot be read: ${why}`,
      remedy: "Put it again from where it came; until then reads of it are answered with an error",
    }));
  if (damaged.length > findings.length) {
    const more = damaged.length - findings.length;
    findings.push({ check, state: "fault", detail: `${more} more objects cannot be read` });
  }
  if (indexFault !== undefined) {
    findings.push({
      check,
      state: "warning",
      detail: `The index of ${folder} cannot be read: ${indexFault}`,
      remedy: "Start the cloud: it makes the index anew of the packs",
    });
  }
  if (elsewhere > 0) {
    const detail = `${elsewhere} large objects are in another cluster, and were not read`;
    findings.push({ check, state: "unknown", detail });
  }
  return goodUnless(check, `${objects} objects, ${briefSize(bytes)}, are whole`, findings);
}

const shown = (id: string, names: BucketNames): string => {
  const name = names.get(id);
  if (name !== undefined) return `bucket ${name}`;
  return `the bucket of id ${id}${names.size === 0 ? " (its name is in the log, which was not read)" : ""}`;
};
