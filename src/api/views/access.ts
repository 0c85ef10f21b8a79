import { CanopyError } from "#/base/errors.ts";
import type { KeyRecord, ProjectRecord } from "#/model/access.ts";
import type { KeyView, ProjectView } from "#/model/views.ts";
import { instantOf, maybeInstant } from "./time.ts";

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
export function projectViewOf({ name, spec }: ProjectRecord): ProjectView {
  return { name, title: spec.title, weight: spec.weight, createdAt: instantOf(spec.createdAt) };
}

/** A key's name within its project is the last part of its record's. */
export function keyViewOf({ name, project, spec }: KeyRecord): KeyView {
  return {
    name: name.slice(name.lastIndexOf("/") + 1),
    project,
    title: spec.title,
    role: spec.role,
    createdAt: instantOf(spec.createdAt),
    expiresAt: maybeInstant(spec.expiresAt),
  };
}
