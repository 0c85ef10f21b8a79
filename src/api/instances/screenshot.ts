import { defineCall } from "../call.ts";
import { inProject, instanceParams } from "../params.ts";
import { askOfInstance } from "./ask.ts";

export const screenshotOfInstance = defineCall({
  summary: "See an instance's display",
  description: "As a PNG. Only a full VM has one.",
  tag: "instances",
  role: "viewer",
  params: instanceParams,
  query: inProject,
  answerType: { type: "application/octet-stream", description: "A PNG" },
  errors: ["not-found", "conflict", "timeout"],
  async run({ parts, project, params, reply }) {
    const [record] = parts.instances.find(project, [params.instance]);
    const content = await askOfInstance(parts, record!, "screenshot");
    reply.type("image/png");
    return content;
  },
});
