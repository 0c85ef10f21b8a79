import { z } from "zod";
import { CanopyError } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import type { Change } from "#/model/record.ts";
import { stepOfTask } from "#/model/task.ts";
import type { EventView } from "#/model/views.ts";
import type { Batch } from "#/space/log.ts";
import { defineCall } from "../call.ts";
import { inProject } from "../params.ts";
import type { DoorParts } from "../parts.ts";
import type { OpenStream } from "../streams/open-stream.ts";

const readBatches = 64;

export const followEvents = defineCall({
  summary: "Follow a project",
  description:
    'Server-sent events: "changes" for each durable batch that touched the project, its id the batch\'s sequence. With Last-Event-ID they go on after that one with no gap and no double; when those are no longer kept, 404: read the current state, then follow from there. A reader too far behind is cut off, and comes back.',
  isForAny: true,
  tag: "events",
  role: "viewer",
  query: inProject.extend({ after: z.coerce.number().int().min(0).optional() }),
  answerType: { type: "text/event-stream", description: "changes" },
  errors: ["not-found", "limited"],
  async run({ parts, project, query, request, reply }) {
    const asked = request.headers["last-event-id"] ?? query.after;
    const after =
      asked === undefined || !Number.isInteger(Number(asked))
        ? parts.space.sequence
        : Number(asked);
    if (after > parts.space.sequence) {
      throw new CanopyError(
        "not-found",
        `Cannot follow after ${after} as the newest change is ${parts.space.sequence}`,
        {
          hint: "Read the current state, then follow from there",
        },
      );
    }
    await parts.space.read(after, 1); // throws while there is still somebody to tell that they are not kept
    const stream = parts.watchers.open(reply, "text/event-stream");
    await tell(parts, project, stream, after);
  },
});

/** Reads what was missed from the log, then hands on what comes. Each batch is told once: `told` only grows. */
async function tell(
  { space, feed, log }: DoorParts,
  project: string,
  stream: OpenStream,
  after: number,
): Promise<void> {
  let told = after;
  let isLive = false;
  const tellBatch = (batch: Batch) => {
    if (batch.sequence !== told + 1) return;
    told = batch.sequence;
    const event = eventOf(batch, project);
    if (event) stream.event("changes", event, batch.sequence);
    if (stream.behindBytes > limits.watcherBehindBytesMax) stream.cut();
  };
  const stop = feed.onBatch((batch) => {
    if (isLive) tellBatch(batch);
  });
  stream.closed.addEventListener("abort", stop);
  try {
    while (!stream.isClosed) {
      const batches = await space.read(told, readBatches);
      for (const batch of batches) tellBatch(batch);
      await stream.ready();
      // From here to the next await no batch can become durable, so none falls between log and feed.
      isLive = told === space.sequence;
      if (isLive) return;
    }
  } catch (thrown) {
    if (!stream.isClosed)
      log.warn("the events of a project were cut off", { error: String(thrown) });
    stream.cut();
  }
}

const kinds = ["job", "step", "machine", "project", "key", "policy", "game-day"] as const;

/** What a batch means to a project; undefined when nothing. Machines serve every project. */
export function eventOf({ sequence, changes }: Batch, project: string): EventView | undefined {
  const told: EventView["changes"] = [];
  const tasks = new Map<string, EventView["tasks"][number]>();
  for (const change of changes) {
    const { kind, name } = change.record;
    if (change.record.project !== project && kind !== "machine") continue;
    if (kind === "task") countTask(tasks, name, change);
    else if ((kinds as readonly string[]).includes(kind)) {
      const { phase } = change.record.status as { phase?: string };
      told.push({
        op: change.op,
        kind: kind as (typeof kinds)[number],
        name,
        revision: change.record.revision,
        ...(phase !== undefined && { phase }),
      });
    }
  }
  if (told.length === 0 && tasks.size === 0) return undefined;
  return { sequence, changes: told, tasks: [...tasks.values()] };
}

function countTask(
  tasks: Map<string, EventView["tasks"][number]>,
  name: string,
  { op, record }: Change,
): void {
  const { phase } = record.status as { phase: string };
  const step = stepOfTask(name);
  const key = `${step} ${phase}`;
  const counted = tasks.get(key);
  if (counted) counted.count += 1;
  else if (op !== "delete") tasks.set(key, { step, phase, count: 1 });
}
