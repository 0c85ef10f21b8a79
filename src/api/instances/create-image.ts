import { z } from "zod";
import { imageInput, imageView } from "#/model/image-views.ts";
import { defineCall } from "../call.ts";
import { once } from "../once.ts";
import { inProject, instanceParams } from "../params.ts";
import { imageViewOf } from "../views/images.ts";

export const createImageOfInstance = defineCall({
  summary: "Make an image of an instance",
  description:
    "Of what it holds at this moment, running or stopped: of its volumes, or of the files that a container has changed, which stands still meanwhile unless `noReboot` is asked for. It is pending until its machine has kept that.",
  tag: "instances",
  role: "submitter",
  params: instanceParams,
  query: inProject,
  body: z.strictObject({
    ...imageInput.pick({ name: true, description: true, tags: true }).shape,
    noReboot: z.boolean().default(false),
  }),
  answer: imageView,
  status: 201,
  errors: ["not-found", "invalid", "conflict", "no-space"],
  async run(call) {
    const { parts, project, params, body } = call;
    const { name: title, ...asked } = body;
    const [instance] = parts.instances.find(project, [params.instance]);
    const name = await once(
      call,
      (tx) => parts.images.createIn(tx, instance!, { title, ...asked }).name,
    );
    return imageViewOf(parts.images.findOwn(project, name));
  },
});
