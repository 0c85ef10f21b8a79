import { removeOrphan } from "#/instances/orphans.ts";
import { orphanView } from "#/model/image-views.ts";
import { defineCall } from "../call.ts";
import { imageParams, inProject } from "../params.ts";
import { orphanViewOf } from "../views/images.ts";

export const removeOrphanedData = defineCall({
  summary: "Remove data of a deregistered image",
  description:
    "Its snapshots are gone with the answer. Its blobs go after that, when nothing names them and nobody has put or asked for them for a day: /v1/orphaned-image-data tells what they wait for. May be asked for again.",
  tag: "instances",
  role: "submitter",
  params: imageParams,
  query: inProject,
  answer: orphanView,
  errors: ["invalid", "not-found", "conflict", "no-space"],
  async run({ parts, project, params }) {
    const { name } = parts.images.findOwn(project, params.image);
    return orphanViewOf({ image: removeOrphan(parts.space, name), snapshots: [], blobs: [] });
  },
});
