import type { Access } from "#/access/access.ts";
import type { Planner } from "#/autonomic/planner.ts";
import type { Knowledge } from "#/autonomic/knowledge/follow.ts";
import type { CarbonZones } from "#/autonomic/carbon/zones.ts";
import type { OpenSites } from "#/autonomic/open-sites.ts";
import type { Forward } from "#/base/forward.ts";
import type { Clock } from "#/base/clock.ts";
import type { Log } from "#/base/log.ts";
import type { Random } from "#/base/random.ts";
import type {
  appendTasks,
  addStep,
  cancelJob,
  closeJob,
  retryJob,
  submitJob,
} from "#/jobs/submit.ts";
import type { Forecaster } from "#/forecast/forecaster.ts";
import type { eta } from "#/jobs/eta.ts";
import type { Logs } from "#/logs/logs.ts";
import type { Objects } from "#/objects/objects.ts";
import type { Scheduler } from "#/scheduler/scheduler.ts";
import type { Meter } from "#/scheduler/session.ts";
import type { Standing } from "#/space/leadership.ts";
import type { Space } from "#/space/space.ts";
import type { Relay } from "./link/relay.ts";
import type { Members } from "./members.ts";
import type { Feed } from "./streams/feed.ts";
import type { Watchers } from "./streams/watchers.ts";
import type { ToLeader } from "./to-leader.ts";
import type { Pace } from "./pace.ts";
import type { WrongKeys } from "./wrong-keys.ts";

/** What the jobs room can do that a call asks for. */
export interface JobCalls {
  submitJob: typeof submitJob;
  addStep: typeof addStep;
  appendTasks: typeof appendTasks;
  closeJob: typeof closeJob;
  cancelJob: typeof cancelJob;
  retryJob: typeof retryJob;
  eta: typeof eta;
}

/** One file of the agent. */
export interface AgentDownload {
  sizeBytes: number;
  content: AsyncIterable<Uint8Array>;
}

/** All that the native door is given. */
export interface ServerParts {
  space: Space;
  scheduler: Scheduler;
  standing: Standing;
  forward: Forward;
  members: Members;
  jobs: JobCalls;
  /** What was learned of run times and machines. */
  knowledge: Knowledge;
  access: Access;
  zones: CarbonZones;
  meter: Meter;
  objects: Objects;
  logs: Logs;
  sites: OpenSites;
  planner: Pick<Planner, "plan">;
  forecaster: Pick<Forecaster, "forecast" | "whatIf" | "replay">;
  clock: Clock;
  random: Random;
  log: Log;
  version: string;
  /** A backup in pieces; undefined while another one is being taken. */
  takeBackup: (withSecrets: boolean) => AsyncIterable<Uint8Array> | undefined;
  /** What a machine without Canopy fetches to become one; undefined where nothing is to be had. */
  agentFile: (part: "agent" | "node") => Promise<AgentDownload | undefined>;
  /** ISO 4217: what the meter's prices are in. */
  currency: string;
  /** Where agents and people reach this cloud, for the lines it prints; known once it listens. */
  publicUrl: () => string;
}

/** What each call is given: all that the door was, and what the door adds. */
export interface DoorParts extends ServerParts {
  feed: Feed;
  watchers: Watchers;
  relay: Relay;
  wrongKeys: WrongKeys;
  /** Slows down keys that ask for too much. */
  pace: Pace;
  toLeader: ToLeader;
  startedAt: number;
}
