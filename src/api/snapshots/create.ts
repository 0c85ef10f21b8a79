import { z } from "zod";
import { tagsRequest } from "#/model/instance-request.ts";
import { snapshotView } from "#/model/instance-views.ts";
import { defineCall } from "../call.ts";
import { once } from "../once.ts";
import { inProject } from "../params.ts";
import { snapshotViewOf } from "../views/instances.ts";

export const createSnapshot = defineCall({
  summary: "Take a snapshot of a volume",
  description:
    "What it holds at this moment, also while it is in use. Only what no snapshot of it had before is kept anew.",
  tag: "volumes",
  role: "submitter",
  query: inProject,
  body: z.strictObject({
    volume: z.string().min(1).max(100),
    description: z.string().max(255).default(""),
    name: z.string().min(1).max(256).optional(),
    tags: tagsRequest.optional(),
  }),
  answer: snapshotView,
  status: 201,
  errors: ["not-found", "conflict", "no-space"],
  async run(call) {
    const { parts, project, body } = call;
    const { volumes } = parts;
    const { description, name: called, tags } = body;
    const volume = volumes.find(project, body.volume);
    const asked = { description, tags: { ...tags, ...(called !== undefined && { Name: called }) } };
    const name = await once(call, (tx) => volumes.snapshotIn(tx, volume, asked).name);
    return snapshotViewOf(volumes.findSnapshot(project, name));
  },
});
