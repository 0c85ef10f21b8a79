import { deleteSnapshot } from "#/instances/snapshots.ts";
import { defineCall } from "../call.ts";
import { inProject, snapshotParams } from "../params.ts";

export const removeSnapshot = defineCall({
  summary: "Delete a snapshot",
  description: "No image may be made of it. What other snapshots share with it stays.",
  tag: "volumes",
  role: "submitter",
  params: snapshotParams,
  query: inProject,
  status: 204,
  errors: ["not-found", "conflict", "no-space"],
  run({ parts, project, params }) {
    deleteSnapshot(parts.space, parts.volumes.findSnapshot(project, params.snapshot));
  },
});
