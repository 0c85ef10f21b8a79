import { defineCall } from "../call.ts";
import { inProject, volumeParams } from "../params.ts";

export const removeVolume = defineCall({
  summary: "Delete a volume",
  description: "No instance may have it. Its snapshots stay.",
  tag: "volumes",
  role: "submitter",
  params: volumeParams,
  query: inProject,
  status: 204,
  errors: ["not-found", "conflict", "no-space"],
  run({ parts, project, params }) {
    parts.volumes.delete(parts.volumes.find(project, params.volume));
  },
});
