import { CanopyError } from "#/base/errors.ts";
import { z } from "zod";
import { objectKey } from "#/model/job-request.ts";
import { objectView } from "#/model/views.ts";
import { defineCall } from "../call.ts";
import { inProject } from "../params.ts";

export const putObject = defineCall({
  summary: "Put an object",
  description:
    "The body, whatever it is, under the SHA-256 of its content. With `key`, refused when the content turns out to be another.",
  isForAny: true,
  tag: "objects",
  role: "submitter",
  fromJobs: "project",
  fromMachines: true,
  query: inProject.extend({ key: objectKey.optional() }),
  body: z.never(),
  streams: ["application/octet-stream"],
  answer: objectView,
  status: 201,
  isSettled: true,
  errors: ["no-space"],
  async run({ parts, project, query, body }) {
    const stored = await parts.objects.put(
      project,
      (body ?? new Uint8Array(0)) as AsyncIterable<Uint8Array>,
    );
    if (query.key !== undefined && query.key !== stored.key) {
      throw new CanopyError(
        "invalid",
        `Cannot keep this object as ${query.key} as the SHA-256 of what came is ${stored.key}`,
        {
          hint: "It was changed on its way: put it again",
        },
      );
    }
    return stored;
  },
});
