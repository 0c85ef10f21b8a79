import type { Capacity } from "#/model/needs.ts";
import { CanopyError } from "#/base/errors.ts";
import { includesRole } from "#/access/roles.ts";
import type { Caller, KeyRecord, ProjectRecord } from "#/model/access.ts";
import type { Amounts } from "#/model/quota.ts";
import type { AmountsView, KeyView, ProjectView } from "#/model/views.ts";
import type { DoorParts } from "../parts.ts";
import { instantOf, maybeInstant } from "./time.ts";

/** Whether a record may be told to a caller: one of the project asked in, of none, or any to root. */
export function isTold(
  { project, caller }: { project: string; caller: Caller },
  record: { project: string },
): boolean {
  return record.project === project || record.project === "" || includesRole(caller.role, "root");
}

/** Throws CanopyError "not-found". */
export function findProject(
  get: (name: string) => ProjectRecord | undefined,
  name: string,
): ProjectRecord {
  const project = get(name);
  if (project) return project;
  throw new CanopyError("not-found", `Cannot find the project '${name}'`, {
    hint: "See them all: canopy project list",
  });
}

/** A project as the API shows it. */
export function projectViewOf(
  { scheduler }: Pick<DoorParts, "scheduler">,
  { name, spec }: ProjectRecord,
): ProjectView {
  const { title, weight, createdAt, quota, cohort, borrow } = spec;
  return {
    name,
    title,
    weight,
    ...(quota && {
      quota: amountsViewOf(quota),
      used: amountsViewOf(usedOf(quota, scheduler.usedBy(name))),
    }),
    ...(cohort !== undefined && { cohort }),
    ...(borrow && { borrow: amountsViewOf(borrow) }),
    createdAt: instantOf(createdAt),
  };
}

/** Of what is limited. */
function usedOf(quota: Amounts, { milliCpus, memoryBytes }: Capacity): Amounts {
  return {
    ...(quota.milliCpus !== undefined && { milliCpus }),
    ...(quota.memoryBytes !== undefined && { memoryBytes }),
  };
}

function amountsViewOf({ milliCpus, memoryBytes }: Amounts): AmountsView {
  return {
    ...(milliCpus !== undefined && { cpus: milliCpus / 1000 }),
    ...(memoryBytes !== undefined && { memoryBytes }),
  };
}

/** A key's name within its project is the last part of its record's. */
export function keyViewOf({ name, project, spec, status }: KeyRecord): KeyView {
  return {
    name: name.slice(name.lastIndexOf("/") + 1),
    project,
    title: spec.title,
    role: spec.role,
    ...(spec.user !== undefined && { user: spec.user }),
    createdAt: instantOf(spec.createdAt),
    expiresAt: maybeInstant(spec.expiresAt),
    slowed: status.slowed && { ...status.slowed, since: instantOf(status.slowed.since) },
  };
}
