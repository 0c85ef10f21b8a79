import { z } from "zod";
import { orphansOf } from "#/instances/orphans.ts";
import { orphanView } from "#/model/image-views.ts";
import { defineCall } from "../call.ts";
import { inProject } from "../params.ts";
import { orphanViewOf } from "../views/images.ts";

export const listOrphans = defineCall({
  summary: "List data of deregistered images",
  description:
    "Snapshots and blobs that no image, and no instance that is there, names any more; and what of such data is being removed.",
  isForAny: true,
  tag: "instances",
  role: "viewer",
  query: inProject,
  answer: z.object({ items: z.array(orphanView) }),
  async run({ parts, project }) {
    return { items: orphansOf(parts.space, project).map(orphanViewOf) };
  },
});
