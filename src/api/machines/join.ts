import { z } from "zod";
import { defineCall } from "../call.ts";

const joinRequest = z.strictObject({
  token: z.string().min(1).max(200),
  hostname: z.string().min(1).max(255),
  labels: z.record(z.string().min(1).max(100), z.string().max(200)).default({}),
});

export const joinMachine = defineCall({
  summary: "Let a machine join",
  description:
    "Against a token that is good once. The key in the answer is the machine's own from then on, and is told here only.",
  tag: "machines",
  role: "anyone",
  body: joinRequest,
  answer: z.object({ machine: z.string(), key: z.string() }),
  status: 201,
  isSettled: true,
  errors: ["no-space"],
  async run({ parts, body }) {
    const committed = parts.space.commit((tx) => parts.access.join(tx, body));
    await committed.durable;
    parts.log.info(`machine ${committed.value.machine} has joined`);
    return committed.value;
  },
});
