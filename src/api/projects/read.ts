import { includesRole } from "#/access/roles.ts";
import { projectView } from "#/model/views.ts";
import { defineCall } from "../call.ts";
import { projectParams } from "../params.ts";
import { tellRevision } from "../revisions.ts";
import { findProject, projectViewOf } from "../views/access.ts";

export const readProject = defineCall({
  summary: "Read a project",
  description: "For all but root, their own only.",
  isForAny: true,
  tag: "access",
  role: "viewer",
  params: projectParams,
  answer: projectView,
  revision: "told",
  errors: ["not-found"],
  async run({ parts, caller, params, reply }) {
    const isOwn = params.name === caller.project;
    const project = findProject(
      (name) =>
        isOwn || includesRole(caller.role, "root") ? parts.space.get("project", name) : undefined,
      params.name,
    );
    tellRevision(reply, project);
    return projectViewOf(parts, project);
  },
});
