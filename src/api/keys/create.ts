import { z } from "zod";
import { requireRole } from "#/access/roles.ts";
import { CanopyError } from "#/base/errors.ts";
import { madeKeyView } from "#/model/views.ts";
import { defineCall } from "../call.ts";
import { once } from "../once.ts";
import { inProject } from "../params.ts";
import { keyViewOf } from "../views/access.ts";
import { userOfNewKey } from "./user-of-new-key.ts";

export const createKey = defineCall({
  summary: "Make a key",
  description:
    "The key is in the answer and nowhere else. A repeated call with the same Idempotency-Key makes no second one, and is told the first again.",
  tag: "access",
  role: "admin",
  query: inProject,
  body: z.strictObject({
    title: z.string().min(1).max(200),
    /** What it may at most; "submitter" when absent, and "admin" of a user's. */
    role: z.enum(["viewer", "submitter", "admin"]).optional(),
    /** Bound to this user of the project's account: each call must be allowed by the user's policies too. The caller's own when absent. */
    user: z.string().min(1).max(64).optional(),
    /** It opens nothing from then on; for ever when absent. */
    expiresAt: z.iso.datetime({ offset: true }).optional(),
  }),
  answer: madeKeyView,
  status: 201,
  errors: ["not-found", "conflict", "no-space"],
  async run(call) {
    const { parts, project, body, caller } = call;
    const { title } = body;
    const user = userOfNewKey(call, body.user);
    const { role = user === undefined ? "submitter" : "admin" } = body;
    requireRole(caller, role, `make a key with the role '${role}'`);
    const expiresAt = body.expiresAt === undefined ? undefined : Date.parse(body.expiresAt);
    if (expiresAt !== undefined && expiresAt <= parts.clock.now()) {
      throw new CanopyError(
        "invalid",
        `Cannot make a key as 'expiresAt' must lie ahead: current value is ${body.expiresAt}`,
      );
    }
    const answer = await once(call, (tx) => {
      const nonce = parts.access.newNonce();
      const asked = {
        project,
        title,
        role,
        ...(user !== undefined && { user }),
        ...(expiresAt !== undefined && { expiresAt }),
      };
      return `${nonce} ${parts.access.createKey(tx, asked, nonce).record.name}`;
    });
    const [nonce, name] = answer.split(" ") as [string, string];
    const record = parts.space.get("key", name);
    if (!record)
      throw new CanopyError("not-found", "Cannot tell this key again as it was removed since");
    return { ...keyViewOf(record), key: parts.access.secretOf("key", nonce) };
  },
});
