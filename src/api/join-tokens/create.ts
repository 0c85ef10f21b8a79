import { z } from "zod";
import { limits } from "#/base/limits.ts";
import { madeJoinTokenView } from "#/model/views.ts";
import { defineCall } from "../call.ts";
import { once } from "../once.ts";
import { instantOf } from "../views/time.ts";

export const createJoinToken = defineCall({
  summary: "Make a token for a machine to join with",
  description:
    "Good once, and for an hour unless told otherwise. `command` is the one line to paste on that machine.",
  tag: "machines",
  role: "root",
  body: z
    .strictObject({
      labels: z.record(z.string().min(1).max(100), z.string().max(200)).default({}),
      site: z.string().max(100).default(""),
      lifeMs: z
        .int()
        .positive()
        .max(7 * 24 * 60 * 60_000)
        .default(limits.joinTokenMs),
    })
    .prefault({}),
  answer: madeJoinTokenView,
  status: 201,
  isSettled: true,
  errors: ["conflict", "no-space"],
  async run(call) {
    const { access, publicUrl } = call.parts;
    const answer = await once(call, (tx) => {
      const nonce = access.newNonce();
      return `${nonce} ${access.createJoinToken(tx, call.body, nonce).expiresAt}`;
    });
    const [nonce, expiresAt] = answer.split(" ") as [string, string];
    const token = access.secretOf("join", nonce);
    const command = `canopy join ${publicUrl()} --token ${token}`;
    return { token, expiresAt: instantOf(Number(expiresAt)), command };
  },
});
