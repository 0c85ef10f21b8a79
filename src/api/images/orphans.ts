import { z } from "zod";
import { orphanView } from "#/model/image-views.ts";
import { defineCall } from "../call.ts";
import { inProject } from "../params.ts";
import { orphanViewOf } from "../views/images.ts";

export const listOrphans = defineCall({
  summary: "List data of deregistered images",
  description: "Snapshots and blobs that no image, and no instance that is there, names any more.",
  isForAny: true,
  tag: "instances",
  role: "viewer",
  query: inProject,
  answer: z.object({ items: z.array(orphanView) }),
  async run({ parts, project }) {
    return { items: parts.images.orphans(project).map(orphanViewOf) };
  },
});
