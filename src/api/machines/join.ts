import { z } from "zod";
import { defineCall } from "../call.ts";
import { once } from "../once.ts";

const joinRequest = z.strictObject({
  token: z.string().min(1).max(200),
  hostname: z.string().min(1).max(255),
  labels: z.record(z.string().min(1).max(100), z.string().max(200)).default({}),
});

export const joinMachine = defineCall({
  summary: "Let a machine join",
  description:
    "Against a token that is good once. The key in the answer is the machine's own from then on, and is told here only: to a repeated call with the same Idempotency-Key too.",
  tag: "machines",
  role: "anyone",
  body: joinRequest,
  answer: z.object({ machine: z.string(), key: z.string() }),
  status: 201,
  isSettled: true,
  errors: ["conflict", "no-space"],
  async run(call) {
    const { access, log } = call.parts;
    const answer = await once(call, (tx) => {
      const nonce = access.newNonce();
      return `${nonce} ${access.join(tx, call.body, nonce).machine}`;
    });
    const [nonce, machine] = answer.split(" ") as [string, string];
    log.info(`machine ${machine} has joined`);
    return { machine, key: access.secretOf("machine", nonce) };
  },
});
