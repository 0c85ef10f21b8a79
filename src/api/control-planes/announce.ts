import { z } from "zod";
import { controlPlaneView } from "#/model/views.ts";
import { defineCall } from "../call.ts";

const announcement = z.object({
  url: z.url({ protocol: /^https?$/ }).max(1000),
  sequence: z.int().min(0),
  behindMs: z.int().min(0),
});

export const announce = defineCall({
  summary: "Tell the leader of a control plane that follows",
  description: "Followers do so every second, and learn which others there are.",
  tag: "status",
  role: "root",
  body: announcement,
  answer: z.object({ controlPlanes: z.array(controlPlaneView) }),
  isSettled: true,
  async run({ parts, body }) {
    parts.members.learn([{ ...body, role: "follower" }]);
    return { controlPlanes: parts.members.list() };
  },
});
