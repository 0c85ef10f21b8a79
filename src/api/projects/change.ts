import { z } from "zod";
import { projectView } from "#/model/views.ts";
import { defineCall } from "../call.ts";
import { projectParams } from "../params.ts";
import { requireRevision, tellRevision } from "../revisions.ts";
import { findProject, projectViewOf } from "../views/access.ts";

export const changeProject = defineCall({
  summary: "Change a project",
  description: "Its title, and its share of the machines from the next task on.",
  tag: "access",
  role: "root",
  params: projectParams,
  body: z.strictObject({
    title: z.string().min(1).max(200).optional(),
    weight: z.number().positive().max(1000).optional(),
  }),
  answer: projectView,
  isSettled: true,
  revision: "expected",
  errors: ["not-found", "no-space"],
  async run({ parts, params, body, request, reply }) {
    const committed = parts.space.commit((tx) => {
      const project = findProject((name) => tx.get("project", name), params.name);
      requireRevision(request, project);
      const { title = project.spec.title, weight = project.spec.weight } = body;
      return tx.put<"project">({ ...project, spec: { ...project.spec, title, weight } });
    });
    await committed.durable;
    tellRevision(reply, committed.value);
    return projectViewOf(committed.value);
  },
});
