import { z } from "zod";
import { CanopyError } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import { trailKinds, trailPage } from "#/model/trail.ts";
import { defineCall } from "../call.ts";
import { flag, inProject } from "../params.ts";

const word = z.string().min(1).max(1100).optional();
const moment = z.coerce.number().int().min(0).optional();

export const listTrail = defineCall({
  summary: "Look into the trail",
  description:
    "Every call of a project, of the native door and of AWS', the newest first: who asked what, of which thing, when, from where, and what came of it. Calls that pass data through things (objects, messages, reads of the native door) are of the kind data. A page may be short though there is more: go on while there is a `next`. Root without a project sees all of them, strangers' calls too.",
  tag: "access",
  role: "admin",
  query: inProject.extend({
    kind: z.enum(trailKinds).default("management"),
    from: moment,
    until: moment,
    who: word,
    service: word,
    operation: word,
    resource: word,
    accessKeyId: word,
    failed: flag,
    limit: z.coerce.number().int().min(1).max(limits.trailPageMax).default(100),
    after: z.string().max(200).optional(),
  }),
  answer: trailPage,
  async run({ parts, caller, project, query }) {
    const { kind, from, until, failed, limit, after, project: named, ...wanted } = query;
    if (!parts.trail)
      throw new CanopyError("unavailable", "Cannot look into a trail as none is kept");
    return parts.trail.find({
      ...wanted,
      kind,
      fromMs: from,
      untilMs: until,
      ...(failed && { hasFailed: true }),
      max: limit,
      after,
      project: caller.role === "root" && named === undefined ? undefined : project,
    });
  },
});
