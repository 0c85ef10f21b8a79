import { CanopyError } from "#/base/errors.ts";
import { z } from "zod";
import { blobKey } from "#/model/job-request.ts";
import { blobView } from "#/model/views.ts";
import { defineCall } from "../call.ts";
import { inProject } from "../params.ts";

export const putBlob = defineCall({
  summary: "Put a blob",
  description:
    "The body, whatever it is, under the SHA-256 of its content. With `key`, refused when the content turns out to be another.",
  isForAny: true,
  tag: "blobs",
  role: "submitter",
  fromJobs: "project",
  fromMachines: true,
  query: inProject.extend({ key: blobKey.optional() }),
  body: z.never(),
  streams: ["application/octet-stream"],
  answer: blobView,
  status: 201,
  isSettled: true,
  errors: ["no-space"],
  async run({ parts, project, query, body }) {
    const stored = await parts.blobs.put(
      project,
      (body ?? new Uint8Array(0)) as AsyncIterable<Uint8Array>,
    );
    if (query.key !== undefined && query.key !== stored.key) {
      throw new CanopyError(
        "invalid",
        `Cannot keep this blob as ${query.key} as the SHA-256 of what came is ${stored.key}`,
        {
          hint: "It was changed on its way: put it again",
        },
      );
    }
    return stored;
  },
});
