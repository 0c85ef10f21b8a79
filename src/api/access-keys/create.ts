import { z } from "zod";
import { CanopyError } from "#/base/errors.ts";
import { iamName } from "#/model/iam.ts";
import { madeAccessKeyView } from "#/model/access-key-views.ts";
import { defineCall } from "../call.ts";
import { once } from "../once.ts";
import { inProject } from "../params.ts";
import { userOfNewKey } from "../keys/user-of-new-key.ts";
import { accessKeyViewOf } from "../views/access-keys.ts";

/** The one that clients which know no region sign for. */
const region = "us-east-1";

export const createAccessKey = defineCall({
  summary: "Make an access key for the AWS services",
  description:
    "Of the project's account, which may do everything in it, or of one of its users: of its own user where the caller has one. A repeated call with the same Idempotency-Key makes no second one.",
  tag: "access",
  role: "admin",
  query: inProject,
  body: z.strictObject({
    title: z.string().min(1).max(200),
    user: z.string().min(1).max(64).optional(),
  }),
  answer: madeAccessKeyView,
  status: 201,
  errors: ["not-found", "conflict", "no-space"],
  async run(call) {
    const { parts, project, body } = call;
    const { title } = body;
    const user = userOfNewKey(call, body.user);
    const name = await once(call, (tx) => {
      if (user !== undefined && !tx.get("iam-user", iamName(project, user)))
        throw new CanopyError(
          "not-found",
          `Cannot find the user '${user}' in the project '${project}'`,
        );
      const asked = { project, title, ...(user !== undefined && { user }) };
      return parts.identities.makeAccessKey(tx, asked).record.name;
    });
    const record = parts.space.get("access-key", name);
    if (!record)
      throw new CanopyError("not-found", "Cannot tell this key again as it was removed since");
    const secretAccessKey = parts.identities.secretOf(record);
    return { ...accessKeyViewOf(record), secretAccessKey, region, endpoint: parts.awsUrl() };
  },
});
