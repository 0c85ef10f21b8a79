import { Readable } from "node:stream";
import { z } from "zod";
import { CanopyError } from "#/base/errors.ts";
import { defineCall } from "../call.ts";

export const takeBackup = defineCall({
  summary: "Take a backup",
  description:
    "A tar of all records, blobs and objects as they are at one moment, while work goes on: see `src/backup/manifest.ts`. " +
    "One is taken at a time. What tasks printed is not in it, nor are bytes of large objects that are kept in another cluster.",
  tag: "status",
  role: "root",
  query: z.strictObject({
    secrets: z
      .enum(["true", "false"])
      .default("false")
      .describe("Whether the root token and the secret that signs keys of jobs are in it"),
    objects: z
      .enum(["true", "false"])
      .default("true")
      .describe("Whether the objects of buckets are in it"),
  }),
  answerType: { type: "application/x-tar", description: "The backup" },
  errors: ["limited"],
  run({ parts, query, reply }) {
    const pieces = parts.takeBackup({
      secrets: query.secrets === "true",
      objects: query.objects === "true",
    });
    if (!pieces) {
      throw new CanopyError("limited", "Cannot take a backup as another one is being taken", {
        retryAfterMs: 5_000,
      });
    }
    reply.type("application/x-tar");
    return reply.send(Readable.from(pieces, { objectMode: false }));
  },
});
