import { defineCall } from "../call.ts";
import { inProject, instanceParams } from "../params.ts";
import { askOfInstance } from "./ask.ts";

export const consoleOfInstance = defineCall({
  summary: "Read an instance's console",
  description: "The last of what it printed, as its machine keeps it.",
  tag: "instances",
  role: "viewer",
  params: instanceParams,
  query: inProject,
  answerType: { type: "text/plain", description: "What it printed" },
  errors: ["not-found", "conflict", "timeout"],
  async run({ parts, project, params, reply }) {
    const [record] = parts.instances.find(project, [params.instance]);
    const content = await askOfInstance(parts, record!, "console");
    reply.type("text/plain; charset=utf-8");
    return content;
  },
});
