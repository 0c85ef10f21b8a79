import { z } from "zod";
import { limits } from "#/base/limits.ts";
import { madeJoinTokenView } from "#/model/views.ts";
import { defineCall } from "../call.ts";
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
  errors: ["no-space"],
  async run({ parts, body }) {
    const committed = parts.space.commit((tx) => parts.access.createJoinToken(tx, body));
    await committed.durable;
    const { token, expiresAt } = committed.value;
    const command = `canopy join ${parts.publicUrl()} --token ${token}`;
    return { token, expiresAt: instantOf(expiresAt), command };
  },
});
