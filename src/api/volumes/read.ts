import { volumeView } from "#/model/instance-views.ts";
import { defineCall } from "../call.ts";
import { inProject, volumeParams } from "../params.ts";
import { volumeViewOf } from "../views/instances.ts";

export const readVolume = defineCall({
  summary: "Read a volume",
  tag: "volumes",
  role: "viewer",
  params: volumeParams,
  query: inProject,
  answer: volumeView,
  errors: ["not-found"],
  run: ({ parts, project, params }) => volumeViewOf(parts.volumes.find(project, params.volume)),
});
