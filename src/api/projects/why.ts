import { includesRole } from "#/access/roles.ts";
import { whyView } from "#/model/views.ts";
import { defineCall } from "../call.ts";
import { projectParams } from "../params.ts";
import { findProject } from "../views/access.ts";

export const whyProject = defineCall({
  summary: "Explain what a project may use",
  description:
    "Its quota, what it uses of that and of others', and which of its steps wait for more. For all but root, their own only.",
  tag: "access",
  role: "viewer",
  params: projectParams,
  answer: whyView,
  errors: ["not-found"],
  run({ parts, caller, params }) {
    const isOwn = params.name === caller.project;
    const { name, spec } = findProject(
      (wanted) =>
        isOwn || includesRole(caller.role, "root") ? parts.space.get("project", wanted) : undefined,
      params.name,
    );
    return {
      id: name,
      phase: spec.quota ? "limited" : "free",
      explanations: parts.scheduler.explainProject(name),
    };
  },
});
