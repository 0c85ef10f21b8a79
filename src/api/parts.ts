import type { Access } from "#/access/access.ts";
import type { Identities } from "#/access/identities/identities.ts";
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
import type { Invoker } from "#/functions/invoker.ts";
import type { Evacuation } from "#/instances/evacuation.ts";
import type { Hosting } from "#/instances/hosting.ts";
import type { Images } from "#/instances/images.ts";
import type { Instances } from "#/instances/instances.ts";
import type { SpotRequests } from "#/instances/spot-requests.ts";
import type { VirtualNetworks } from "#/instances/virtual-networks.ts";
import type { Moves } from "#/instances/moves.ts";
import type { Volumes } from "#/instances/volumes.ts";
import type { Forecaster } from "#/forecast/forecaster.ts";
import type { eta } from "#/jobs/eta.ts";
import type { Logs } from "#/logs/logs.ts";
import type { BucketEvents } from "#/buckets/events.ts";
import type { Places } from "#/buckets/places.ts";
import type { Webhooks } from "#/buckets/webhooks.ts";
import type { Buckets } from "#/objects/buckets.ts";
import type { ObjectStore } from "#/objects/object-store.ts";
import type { BackupWish } from "#/backup/one-at-a-time.ts";
import type { Blobs } from "#/blobs/blobs.ts";
import type { Scheduler } from "#/scheduler/scheduler.ts";
import type { Meter } from "#/scheduler/session.ts";
import type { Standing } from "#/space/leadership.ts";
import type { Space } from "#/space/space.ts";
import type { Trail } from "#/trail/trail.ts";
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
  /** Makers of what signs calls of the AWS services. */
  identities: Pick<Identities, "makeAccessKey" | "secretOf" | "authorize" | "user">;
  zones: CarbonZones;
  meter: Meter;
  blobs: Blobs;
  /** Tells machines of instances, and asks them. */
  hosting: Pick<Hosting, "connect" | "ask" | "openTerminal">;
  /** Runs functions on machines. */
  invoker: Pick<Invoker, "connect">;
  instances: Instances;
  spotRequests: Pick<SpotRequests, "launch">;
  moves: Pick<Moves, "begin">;
  evacuation: Pick<Evacuation, "begin">;
  volumes: Volumes;
  networks: Pick<VirtualNetworks, "keys">;
  images: Images;
  buckets: Buckets;
  store: Pick<ObjectStore, "use">;
  bucketEvents: Pick<BucketEvents, "test">;
  places: Places;
  webhooks: Pick<Webhooks, "create" | "newSecret" | "secretOf">;
  logs: Logs;
  sites: OpenSites;
  planner: Pick<Planner, "plan">;
  forecaster: Pick<Forecaster, "forecast" | "whatIf" | "replay">;
  /** Where calls are noted, and found again; absent in simulations. */
  trail?: Pick<Trail, "note" | "find"> | undefined;
  clock: Clock;
  random: Random;
  log: Log;
  version: string;
  /** A backup in pieces; undefined while another one is being taken. */
  takeBackup: (wish: BackupWish) => AsyncIterable<Uint8Array> | undefined;
  /** What a machine without Canopy fetches to become one; undefined where nothing is to be had. */
  agentFile: (part: "agent" | "node") => Promise<AgentDownload | undefined>;
  /** ISO 4217: what the meter's prices are in. */
  currency: string;
  /** Where agents and people reach this cloud, for the lines it prints; known once it listens. */
  publicUrl: () => string;
  /** Where the AWS services are. */
  awsUrl: () => string;
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
