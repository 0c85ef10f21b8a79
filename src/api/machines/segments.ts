import { z } from "zod";
import { defineCall } from "../call.ts";
import { machineParams } from "../params.ts";

export const readSegment = defineCall({
  summary: "Read a segment of a shuffle by relay",
  description: "For an agent that cannot reach the one that keeps it.",
  tag: "machines",
  role: "root",
  fromMachines: true,
  params: machineParams.extend({ "*": z.string().min(1).max(300) }),
  answerType: { type: "application/octet-stream", description: "The segment" },
  errors: ["not-found", "limited", "timeout"],
  async run({ parts, params, reply }) {
    const content = await parts.relay.fetch(params.machine, params["*"]);
    return reply.type("application/octet-stream").send(content);
  },
});
