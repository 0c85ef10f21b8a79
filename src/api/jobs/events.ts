import { limits } from "#/base/limits.ts";
import { sleep } from "#/base/clock.ts";
import { hasJobEnded } from "#/model/job.ts";
import { defineCall } from "../call.ts";
import { inProject, jobParams } from "../params.ts";
import type { DoorParts } from "../parts.ts";
import { Bell } from "../streams/bell.ts";
import type { OpenStream } from "../streams/open-stream.ts";
import { detailOf, findJob } from "../views/jobs.ts";

export const followJob = defineCall({
  summary: "Follow a job",
  description:
    'Server-sent events: "progress" with the whole job at that moment (the shape of `GET /v1/jobs/{job}`) when something has changed, and "end" with the last one. Each says all, so that who comes back needs nothing of what was missed.',
  tag: "jobs",
  role: "viewer",
  fromJobs: "own",
  params: jobParams,
  query: inProject,
  answerType: { type: "text/event-stream", description: "progress and end" },
  errors: ["not-found", "limited"],
  async run({ parts, project, params, reply }) {
    await findJob(parts, project, params.job);
    const stream = parts.watchers.open(reply, "text/event-stream");
    await tell(parts, project, params.job, stream);
  },
});

/** Tells the newest state whenever there is one and the reader has taken the one before: a slow reader skips, and costs nothing. */
async function tell(
  parts: DoorParts,
  project: string,
  name: string,
  stream: OpenStream,
): Promise<void> {
  const { space, feed, clock, log } = parts;
  const bell = new Bell();
  const stop = feed.onJob(name, () => bell.ring());
  const onClosed = () => bell.ring();
  stream.closed.addEventListener("abort", onClosed);
  try {
    while (!stream.isClosed) {
      const job = await findJob(parts, project, name);
      const ended = hasJobEnded(job);
      const detail = await detailOf(parts, job);
      await space.durable();
      stream.event(ended ? "end" : "progress", detail, space.sequence);
      if (ended) return stream.end();
      // Many steps take longer to fold: one part in twenty of the time is all that a watcher may cost.
      await sleep(clock, Math.max(limits.progressMs, job.status.steps / 20), stream.closed);
      await stream.ready();
      await waitOr(bell, clock, stream);
    }
  } catch (thrown) {
    if (!stream.isClosed) log.warn(`the events of ${name} were cut off`, { error: String(thrown) });
    stream.cut();
  } finally {
    stop();
  }
}

/** Until something of the job changes durably; leases are soft, so now and then even if nothing does. */
async function waitOr(bell: Bell, clock: DoorParts["clock"], stream: OpenStream): Promise<void> {
  const timer = clock.after(limits.heartbeatMs, () => bell.ring(), true);
  if (!stream.isClosed) await bell.wait();
  timer.cancel();
}
