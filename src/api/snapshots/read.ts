import { snapshotView } from "#/model/instance-views.ts";
import { defineCall } from "../call.ts";
import { inProject, snapshotParams } from "../params.ts";
import { snapshotViewOf } from "../views/instances.ts";

export const readSnapshot = defineCall({
  summary: "Read a snapshot",
  tag: "volumes",
  role: "viewer",
  params: snapshotParams,
  query: inProject,
  answer: snapshotView,
  errors: ["not-found"],
  run: ({ parts, project, params }) =>
    snapshotViewOf(parts.volumes.findSnapshot(project, params.snapshot)),
});
