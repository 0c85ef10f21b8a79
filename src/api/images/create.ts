import { imageInput, imageView } from "#/model/image-views.ts";
import { defineCall } from "../call.ts";
import { inProject } from "../params.ts";
import { imageViewOf } from "../views/images.ts";

export const createImage = defineCall({
  summary: "Make an image",
  description:
    "Of blobs that were put before: layers of files as OCI has them, lists of the chunks of disks, or a kernel. Each disk becomes a snapshot.",
  tag: "instances",
  role: "submitter",
  query: inProject,
  body: imageInput,
  answer: imageView,
  status: 201,
  errors: ["invalid", "conflict", "no-space"],
  async run({ parts, project, body }) {
    const { name: title, ...asked } = body;
    const image = await parts.images.make(project, { ...asked, title });
    return imageViewOf(image);
  },
});
