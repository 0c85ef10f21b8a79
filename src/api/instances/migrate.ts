import { z } from "zod";
import { instanceView } from "#/model/instance-views.ts";
import { defineCall } from "../call.ts";
import { inProject, instanceParams } from "../params.ts";
import { instanceViewMeans, instanceViewOf } from "../views/instances.ts";

export const migrateInstance = defineCall({
  summary: "Move an instance to another machine",
  description:
    "While it runs: a VM or a microVM. It stands still only shortly; for how long is told as `moved.pauseMs` once it is there, and why not as `stayed` where it goes on where it was. Without a machine, to the one with the most room.",
  tag: "instances",
  role: "root",
  params: instanceParams,
  query: inProject,
  body: z.strictObject({ machine: z.string().min(1).max(100).optional() }).optional(),
  answer: instanceView,
  errors: ["not-found", "conflict", "no-capacity", "no-space"],
  run({ parts, project, params, body }) {
    const [record] = parts.instances.find(project, [params.instance]);
    const moving = parts.moves.begin(record!, "somebody asked for it", body?.machine);
    return instanceViewOf(moving, instanceViewMeans(parts));
  },
});
