import { z } from "zod";
import { limits } from "#/base/limits.ts";
import { defineCall } from "../call.ts";
import { inProject, stepParams } from "../params.ts";
import { findJob, findStep } from "../views/jobs.ts";
import { parseHave } from "./index-set.ts";
import { tellInFinishOrder, tellInIndexOrder } from "./results-stream.ts";

const query = inProject.extend({
  order: z.enum(["index", "finish"]).default("index"),
  /** With order=index: the first index to tell. */
  from: z.coerce.number().int().min(0).default(0),
  /** With order=finish: indexes that the reader has, as ranges that go up: "0-511,513,520-600". They are not told again. */
  have: z.string().max(limits.headerBytesMax).default(""),
});

export const resultsOfStep = defineCall({
  summary: "Stream the results of a step",
  description:
    'One line of JSON per task as soon as it has durably ended: `{"index", "result"}` with the result\'s own JSON, `{"index", "resultBlob"}` for a large one, or `{"index", "error"}`; then `{"end": {"phase", …}}`. The reader sets the pace. Who is cut off comes back with `from`, or `have`, and misses nothing.',
  isForAny: true,
  tag: "steps",
  role: "viewer",
  fromJobs: "own",
  params: stepParams,
  query,
  answerType: { type: "application/x-ndjson", description: "Results, then end" },
  errors: ["not-found", "limited"],
  async run({ parts, project, params, query: asked, reply }) {
    const job = await findJob(parts, project, params.job);
    const step = await findStep(parts, job, params.step);
    const have = asked.order === "finish" ? parseHave(asked.have, step.status.offered) : undefined;
    const stream = parts.watchers.open(reply, "application/x-ndjson");
    try {
      if (have) await tellInFinishOrder(parts, stream, step.name, have);
      else await tellInIndexOrder(parts, stream, step.name, asked.from);
      stream.end();
    } catch (thrown) {
      if (!stream.isClosed)
        parts.log.warn(`the results of ${step.name} were cut off`, { error: String(thrown) });
      stream.cut();
    }
  },
});
