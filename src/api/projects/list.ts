import { pageOf, projectView } from "#/model/views.ts";
import { includesRole } from "#/access/roles.ts";
import { defineCall } from "../call.ts";
import { pageQuery } from "../params.ts";
import { projectViewOf } from "../views/access.ts";

export const listProjects = defineCall({
  summary: "List projects",
  description: "By name; for all but root, their own only.",
  isForAny: true,
  tag: "access",
  role: "viewer",
  query: pageQuery,
  answer: pageOf(projectView),
  async run({ parts, caller, query }) {
    const { limit, cursor } = query;
    const projects = [...parts.space.list("project")]
      .filter(
        ({ name }) =>
          (includesRole(caller.role, "root") || name === caller.project) &&
          (cursor === undefined || name > cursor),
      )
      .sort((a, b) => (a.name < b.name ? -1 : 1));
    const items = projects.slice(0, limit).map((project) => projectViewOf(parts, project));
    return projects.length > limit ? { items, next: items.at(-1)!.name } : { items };
  },
});
