import { liveGameDay } from "#/chaos/game-days.ts";
import { gameDayId } from "#/model/game-day.ts";
import { hasJobEnded } from "#/model/job.ts";
import { unfinishedTasks } from "#/model/step.ts";
import { statusView } from "#/model/views.ts";
import { defineCall } from "../call.ts";
import { inProject } from "../params.ts";
import type { DoorParts } from "../parts.ts";
import { instantOf } from "../views/time.ts";

export const readStatus = defineCall({
  summary: "Read the state of the cloud",
  tag: "status",
  role: "viewer",
  query: inProject,
  answer: statusView,
  async run({ parts, project, caller }) {
    const { space, version, startedAt, currency } = parts;
    const gameDay = liveGameDay(space, project);
    const { tasksUnfinished, ...load } = loadOf(parts);
    return {
      version,
      startedAt: instantOf(startedAt),
      epoch: space.epoch,
      sequence: space.sequence,
      project,
      caller: { name: caller.name, role: caller.role },
      ...load,
      tasksWaiting: Math.max(0, tasksUnfinished - load.tasksRunning),
      currency,
      gameDay: gameDay && gameDayId(gameDay.name),
      controlPlanes: parts.members.list(),
    };
  },
});

/** What there is to do, and who is there to do it: of all projects. */
export function loadOf({ space, scheduler }: Pick<DoorParts, "space" | "scheduler">) {
  let jobsRunning = 0;
  let tasksUnfinished = 0;
  for (const job of space.list("job")) {
    if (hasJobEnded(job)) continue;
    jobsRunning += 1;
    for (const step of space.list("step", job.name)) tasksUnfinished += unfinishedTasks(step);
  }
  const connected = scheduler.machines().filter((machine) => machine.connected);
  const capacity = { milliCpus: 0, memoryBytes: 0 };
  for (const { machine } of connected) {
    const { milliCpus, memoryBytes } = space.get("machine", machine)?.status.capacity ?? {
      milliCpus: 0,
      memoryBytes: 0,
    };
    capacity.milliCpus += milliCpus;
    capacity.memoryBytes += memoryBytes;
  }
  const tasksRunning = connected.reduce((sum, { running }) => sum + running, 0);
  return {
    jobsRunning,
    tasksUnfinished,
    tasksRunning,
    machines: space.count("machine"),
    machinesConnected: connected.length,
    capacity,
  };
}
