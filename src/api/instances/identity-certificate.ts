import { z } from "zod";
import { identityCertificate } from "#/instances/instance-identity.ts";
import { defineCall } from "../call.ts";
import { inProject } from "../params.ts";

export const readIdentityCertificate = defineCall({
  summary: "Read the certificate of identity documents",
  description:
    "By which signatures of identity documents are checked that instances find in their metadata (signature, pkcs7, rsa2048): X.509, PEM. It is made with the first instance.",
  tag: "instances",
  role: "viewer",
  query: inProject,
  answer: z.object({ certificate: z.string() }),
  errors: ["not-found"],
  run: ({ parts }) => ({ certificate: identityCertificate(parts.space) }),
});
