import { volumeChange } from "#/model/instance-request.ts";
import { volumeView } from "#/model/instance-views.ts";
import { defineCall } from "../call.ts";
import { inProject, volumeParams } from "../params.ts";
import { volumeViewOf } from "../views/instances.ts";

export const changeVolume = defineCall({
  summary: "Change a volume",
  description: "Makes it larger, faster, or another type, also while it is in use.",
  tag: "volumes",
  role: "submitter",
  params: volumeParams,
  query: inProject,
  body: volumeChange,
  answer: volumeView,
  errors: ["not-found", "no-space"],
  run({ parts, project, params, body }) {
    const { sizeBytes, type, iops, bytesPerSecond } = body;
    const changed = parts.volumes.modify(parts.volumes.find(project, params.volume), {
      ...(sizeBytes !== undefined && { sizeBytes }),
      ...(type !== undefined && { type }),
      ...(iops !== undefined && { iops }),
      ...(bytesPerSecond !== undefined && { bytesPerSecond }),
    });
    return volumeViewOf(changed);
  },
});
