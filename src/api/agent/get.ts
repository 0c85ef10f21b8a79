import { Readable } from "node:stream";
import { z } from "zod";
import { CanopyError } from "#/base/errors.ts";
import { defineCall } from "../call.ts";

export const getAgentFile = defineCall({
  summary: "Get the agent",
  description:
    "For machines that have nothing of Canopy: `agent.tar.gz` is the program, `node.gz` the Node that runs it on computers of the control plane's kind. Neither holds a secret.",
  tag: "machines",
  role: "anyone",
  isForAny: true,
  params: z.object({ file: z.enum(["agent.tar.gz", "node.gz"]) }),
  answerType: { type: "application/octet-stream", description: "The file" },
  errors: ["not-found"],
  async run({ parts, params, reply }) {
    const found = await parts.agentFile(params.file === "node.gz" ? "node" : "agent");
    if (!found) throw new CanopyError("not-found", "This control plane has no agent to give away");
    reply.type("application/octet-stream").header("content-length", found.sizeBytes);
    return reply.send(Readable.from(found.content, { objectMode: false }));
  },
});
