import { z } from "zod";
import { tagsRequest } from "#/model/instance-request.ts";
import { madeKeyPairView } from "#/model/instance-views.ts";
import { defineCall } from "../call.ts";
import { tokenOf } from "../once.ts";
import { inProject } from "../params.ts";
import { keyPairViewOf } from "../views/instances.ts";

export const createKeyPair = defineCall({
  summary: "Make or import a key pair",
  description:
    "Of a public key when one is given; else its private half is in the answer, this once: nobody keeps it. A name that is taken is a conflict. With an Idempotency-Key, a second call makes the private half anew: the answer of the first one was lost, and nobody has that.",
  tag: "instances",
  role: "submitter",
  query: inProject,
  body: z.strictObject({
    name: z.string().min(1).max(255),
    type: z.enum(["ed25519", "rsa"]).optional(),
    /** OpenSSH's line, or PEM. */
    publicKey: z.string().min(1).max(20_000).optional(),
    tags: tagsRequest.optional(),
  }),
  answer: madeKeyPairView,
  status: 201,
  errors: ["conflict", "no-space"],
  async run(call) {
    const { parts, project, body } = call;
    const { name: title, type = "ed25519", publicKey, tags = {} } = body;
    const { keys } = parts.networks;
    if (publicKey !== undefined)
      return keyPairViewOf(keys.add(project, { title, publicKey, tags }));
    const { record, privateKey } = await keys.create(project, {
      title,
      type,
      tags,
      clientToken: tokenOf(call),
    });
    return { ...keyPairViewOf(record), privateKey };
  },
});
