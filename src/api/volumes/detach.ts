import { z } from "zod";
import { volumeView } from "#/model/instance-views.ts";
import { defineCall } from "../call.ts";
import { inProject, volumeParams } from "../params.ts";
import { volumeViewOf } from "../views/instances.ts";

export const detachVolume = defineCall({
  summary: "Take a volume from its instance",
  description: "Nothing changes where none has it.",
  tag: "volumes",
  role: "submitter",
  params: volumeParams,
  query: inProject,
  body: z.strictObject({}).optional(),
  answer: volumeView,
  errors: ["not-found", "conflict", "no-space"],
  run({ parts, project, params }) {
    const volume = parts.volumes.find(project, params.volume);
    return volumeViewOf(volume.status.attachment ? parts.volumes.detach(volume) : volume);
  },
});
