import { imageView } from "#/model/image-views.ts";
import { defineCall } from "../call.ts";
import { imageParams, inProject } from "../params.ts";
import { imageViewOf } from "../views/images.ts";

export const readImage = defineCall({
  summary: "Read an image",
  isForAny: true,
  tag: "instances",
  role: "viewer",
  params: imageParams,
  query: inProject,
  answer: imageView,
  errors: ["not-found"],
  async run({ parts, project, params }) {
    return imageViewOf(parts.images.find({ project }, params.image));
  },
});
