import type { KeyRecord, ProjectRecord } from "#/model/access.ts";
import type { KeyView, ProjectView } from "#/model/views.ts";
import { instantOf, maybeInstant } from "./time.ts";

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
