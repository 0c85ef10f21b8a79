import { z } from "zod";
import { hasJobEnded } from "#/model/job.ts";
import type { LogPage } from "#/logs/logs.ts";
import type { LogLineView } from "#/model/views.ts";
import { defineCall } from "../call.ts";
import { flag, inProject, jobParams } from "../params.ts";
import type { DoorParts } from "../parts.ts";
import { Bell } from "../streams/bell.ts";
import type { OpenStream } from "../streams/open-stream.ts";
import { findJob } from "../views/jobs.ts";
import { instantOf } from "../views/time.ts";

const query = inProject.extend({
  /** A task ("j…/0/7") or a step ("j…/0"); all of the job when absent. */
  task: z.string().max(200).optional(),
  /** The `next` of the last line that was seen. */
  after: z.coerce.number().int().min(0).optional(),
  follow: flag,
});

export const logsOfJob = defineCall({
  summary: "Read what a job's tasks print",
  description:
    "One line of JSON per line, in the order they came in; with follow, until the job has ended. With `Accept: text/event-stream` as events of many lines each, whose id goes into Last-Event-ID.",
  tag: "jobs",
  role: "viewer",
  fromJobs: "own",
  params: jobParams,
  query,
  answerType: {
    type: "application/x-ndjson",
    description: "task, at, stream, text, and now and then next",
  },
  errors: ["not-found", "limited"],
  async run({ parts, project, params, query: asked, request, reply }) {
    const { name } = await findJob(parts, project, params.job);
    const asEvents = request.headers.accept?.includes("text/event-stream") === true;
    const after = asked.after ?? Number(request.headers["last-event-id"] ?? 0);
    const stream = parts.watchers.open(
      reply,
      asEvents ? "text/event-stream" : "application/x-ndjson",
    );
    const tell = (page: LogPage) => {
      if (page.lines.length === 0) return;
      const lines = viewOf(page);
      if (asEvents) stream.event("lines", lines, page.next);
      else stream.write(`${lines.map((line) => JSON.stringify(line)).join("\n")}\n`);
    };
    await follow(parts, stream, tell, {
      name,
      project,
      after: Number.isFinite(after) ? after : 0,
      task: asked.task,
      follow: asked.follow,
    });
  },
});

interface Following {
  name: string;
  project: string;
  after: number;
  task: string | undefined;
  follow: boolean;
}

async function follow(
  parts: DoorParts,
  stream: OpenStream,
  tell: (page: LogPage) => void,
  asked: Following,
): Promise<void> {
  const { logs, feed, log } = parts;
  const { name, task } = asked;
  const bell = new Bell();
  const stops = [logs.onMore(name, () => bell.ring()), feed.onJob(name, () => bell.ring())];
  stream.closed.addEventListener("abort", () => bell.ring());
  let { after } = asked;
  try {
    while (!stream.isClosed) {
      // Whether it has ended is asked before the last look, or lines of its last moment would be missed.
      const isLast = !asked.follow || hasJobEnded(await findJob(parts, asked.project, name));
      if (isLast) await logs.flushed();
      for (let page = await logs.read(name, { ...(task && { task }), after }); page.next > after;) {
        tell(page);
        after = page.next;
        await stream.ready();
        if (stream.isClosed) return;
        page = await logs.read(name, { ...(task && { task }), after });
      }
      if (isLast) return stream.end();
      await bell.wait();
    }
  } catch (thrown) {
    if (!stream.isClosed) log.warn(`the logs of ${name} were cut off`, { error: String(thrown) });
    stream.cut();
  } finally {
    for (const stop of stops) stop();
  }
}

function viewOf({ lines, next }: LogPage): LogLineView[] {
  const views: LogLineView[] = lines.map(({ task, at, stream, text }) => ({
    task,
    at: instantOf(at),
    stream,
    text,
  }));
  views.at(-1)!.next = next;
  return views;
}
