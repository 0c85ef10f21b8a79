import { defineCall } from "../call.ts";
import { imageParams, inProject } from "../params.ts";

export const removeImage = defineCall({
  summary: "Deregister an image",
  description:
    "Instances of it go on. Its data stays: what of it nothing else names is told by /v1/orphaned-image-data.",
  tag: "instances",
  role: "submitter",
  params: imageParams,
  query: inProject,
  status: 204,
  errors: ["not-found", "conflict", "no-space"],
  async run({ parts, project, params }) {
    parts.images.deregister(parts.images.findOwn(project, params.image));
  },
});
