import { z } from "zod";
import { projectView } from "#/model/views.ts";
import { defineCall } from "../call.ts";
import { once } from "../once.ts";
import { tellRevision } from "../revisions.ts";
import { findProject, projectViewOf } from "../views/access.ts";

export const createProject = defineCall({
  summary: "Make a project",
  description: "A project with twice the weight gets twice the machines while both have work.",
  tag: "access",
  role: "root",
  body: z.strictObject({
    name: z
      .string()
      .regex(
        /^[a-z][a-z0-9-]{0,39}$/,
        "must begin with a letter and have at most 40 of a-z, 0-9 and '-'",
      ),
    title: z.string().max(200).default(""),
    weight: z.number().positive().max(1000).default(1),
  }),
  answer: projectView,
  status: 201,
  revision: "told",
  errors: ["conflict", "no-space"],
  async run(call) {
    const { parts, body, reply } = call;
    const name = await once(
      call,
      (tx) => parts.access.createProject(tx, { ...body, title: body.title || body.name }).name,
    );
    // Said again after it was removed, the call is answered with what is there now.
    const project = findProject((asked) => parts.space.get("project", asked), name);
    tellRevision(reply, project);
    return projectViewOf(parts, project);
  },
});
