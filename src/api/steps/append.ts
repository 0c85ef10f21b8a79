import { z } from "zod";
import { limits } from "#/base/limits.ts";
import { appendedView } from "#/model/views.ts";
import { defineCall } from "../call.ts";
import { flag, inProject, stepParams } from "../params.ts";
import { findJob, findStep } from "../views/jobs.ts";
import { Appending } from "./appending.ts";
import { inputLines } from "./input-lines.ts";

const jsonBody = z.strictObject({
  /** The number of the first of them. What the step has already is skipped, so that the call may be made again. */
  from: z.int().min(0),
  inputs: z.array(z.json()).max(limits.appendTasksMax),
  /** No more will come. */
  close: z.boolean().default(false),
});

export const appendTasks = defineCall({
  summary: "Append tasks to a step",
  description:
    "Inputs as JSON, or as NDJSON of any length with one input per line and `from` and `close` in the query. The number of the first input makes the call safe to repeat. Who offers more than may wait is held back, then told to come again (429): what was taken stays taken, and `offered` of the step says how much that is.",
  tag: "steps",
  role: "submitter",
  fromJobs: "own",
  params: stepParams,
  query: inProject.extend({ from: z.coerce.number().int().min(0).default(0), close: flag }),
  body: jsonBody,
  streams: ["application/x-ndjson"],
  answer: appendedView,
  isSettled: true,
  errors: ["not-found", "conflict", "limited", "no-space"],
  async run({ parts, project, params, query, body, request }) {
    const job = await findJob(parts, project, params.job);
    const step = await findStep(parts, job, params.step);
    if (!request.headers["content-type"]?.startsWith("application/x-ndjson")) {
      const { from, inputs, close } = body;
      const appending = new Appending(parts, { project, step: step.name, from });
      await appending.add(inputs.map((input) => JSON.stringify(input)));
      return appending.end(close);
    }
    const appending = new Appending(parts, { project, step: step.name, from: query.from });
    for await (const lines of inputLines(body as unknown as AsyncIterable<Uint8Array>))
      await appending.add(lines);
    return appending.end(query.close);
  },
});
