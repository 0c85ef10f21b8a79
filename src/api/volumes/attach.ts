import { z } from "zod";
import { volumeView } from "#/model/instance-views.ts";
import { defineCall } from "../call.ts";
import { inProject, volumeParams } from "../params.ts";
import { volumeViewOf } from "../views/instances.ts";

const word = z.string().min(1).max(100);

export const attachVolume = defineCall({
  summary: "Attach a volume to an instance",
  description: "Nothing changes where it is attached so already.",
  tag: "volumes",
  role: "submitter",
  params: volumeParams,
  query: inProject,
  body: z.strictObject({ instance: word, device: word }),
  answer: volumeView,
  errors: ["not-found", "conflict", "no-space"],
  run({ parts, project, params, body }) {
    const volume = parts.volumes.find(project, params.volume);
    const { attachment } = volume.status;
    const isSo =
      attachment?.instance === body.instance &&
      attachment.device === body.device &&
      attachment.state !== "detaching";
    if (isSo) return volumeViewOf(volume);
    const [instance] = parts.instances.find(project, [body.instance]);
    return volumeViewOf(parts.volumes.attach(volume, instance!, body.device));
  },
});
