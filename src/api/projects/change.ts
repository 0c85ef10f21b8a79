import { z } from "zod";
import { CanopyError } from "#/base/errors.ts";
import { quotaFault } from "#/model/quota.ts";
import { projectView } from "#/model/views.ts";
import { defineCall } from "../call.ts";
import { projectParams } from "../params.ts";
import { requireRevision, tellRevision } from "../revisions.ts";
import { findProject, projectViewOf } from "../views/access.ts";
import { amountsRequest, cohortName, quotaOf } from "./quota.ts";

export const changeProject = defineCall({
  summary: "Change a project",
  description:
    "Its title, and from the next task on its share of the machines, its quota, and with whom it shares what is idle of that. Null takes a quota, a cohort or a bound on borrowing away.",
  tag: "access",
  role: "root",
  params: projectParams,
  body: z.strictObject({
    title: z.string().min(1).max(200).optional(),
    weight: z.number().positive().max(1000).optional(),
    quota: amountsRequest.nullable().optional(),
    cohort: cohortName.nullable().optional(),
    borrow: amountsRequest.nullable().optional(),
  }),
  answer: projectView,
  isSettled: true,
  revision: "expected",
  errors: ["invalid", "not-found", "no-space"],
  async run({ parts, params, body, request, reply }) {
    const committed = parts.space.commit((tx) => {
      const project = findProject((name) => tx.get("project", name), params.name);
      requireRevision(request, project);
      const { title = project.spec.title, weight = project.spec.weight } = body;
      const { createdAt } = project.spec;
      const spec = { title, weight, createdAt, ...quotaOf(project.spec, body) };
      const fault = quotaFault(project.name, spec);
      if (fault) throw new CanopyError("invalid", fault.message, { hint: fault.hint });
      return tx.put<"project">({ ...project, spec });
    });
    await committed.durable;
    tellRevision(reply, committed.value);
    return projectViewOf(parts, committed.value);
  },
});
