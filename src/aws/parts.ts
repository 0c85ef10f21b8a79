import type { IncomingMessage, ServerResponse } from "node:http";
import type { Identities } from "#/access/identities/identities.ts";
import type { ObjectKeys } from "#/access/object-keys.ts";
import type { KmsKeys } from "#/access/kms/keys.ts";
import type { Signatures } from "#/access/signatures/verify.ts";
import type { Clock } from "#/base/clock.ts";
import type { Log } from "#/base/log.ts";
import type { Random } from "#/base/random.ts";
import type { AccessLog } from "#/buckets/access-log.ts";
import type { BucketEvents } from "#/buckets/events.ts";
import type { Places } from "#/buckets/places.ts";
import type { FunctionEvents } from "#/functions/events.ts";
import type { Invoker } from "#/functions/invoker.ts";
import type { Functions } from "#/functions/functions.ts";
import type { Hosting } from "#/instances/hosting.ts";
import type { Images } from "#/instances/images.ts";
import type { Instances } from "#/instances/instances.ts";
import type { VirtualNetworks } from "#/instances/virtual-networks.ts";
import type { SpotRequests } from "#/instances/spot-requests.ts";
import type { VolumeKeys } from "#/instances/volume-keys.ts";
import type { Volumes } from "#/instances/volumes.ts";
import type { Buckets } from "#/objects/buckets.ts";
import type { ObjectStore } from "#/objects/object-store.ts";
import type { MoveTasks } from "#/queues/move-tasks.ts";
import type { Queues } from "#/queues/queues.ts";
import type { Space } from "#/space/space.ts";
import type { Trail } from "#/trail/trail.ts";
import type { Policies } from "./policies.ts";

/** Which control plane answers. */
export interface Leader {
  /** Whether this one does. Throws "unavailable" when it cannot be told soon. */
  answersHere(): boolean | Promise<boolean>;
  /** Lets the one that leads answer. Throws "unavailable", having answered nothing. */
  handOn(request: IncomingMessage, response: ServerResponse, sourceIp: string): Promise<void>;
}

/** Where calls are noted, and found again. */
export type TrailPort = Pick<Trail, "note" | "find">;

/** All that the operations of the AWS door are given. */
export interface AwsParts {
  space: Space;
  buckets: Buckets;
  queues: Queues;
  invoker: Pick<Invoker, "invoke">;
  functionEvents: Pick<FunctionEvents, "accept">;
  functions: Functions;
  instances: Instances;
  volumes: Volumes;
  spotRequests: SpotRequests;
  networks: VirtualNetworks;
  images: Images;
  hosting: Pick<Hosting, "ask" | "isConnected">;
  moveTasks: MoveTasks;
  store: ObjectStore;
  objectKeys: ObjectKeys;
  /** What is told of what happens in them, and to whom. */
  bucketEvents: BucketEvents;
  places: Places;
  accessLog: Pick<AccessLog, "note">;
  /** Whose word a call is, when several control planes share a log. Absent for one that is alone. */
  leader?: Leader;
  /** Where a call came from that another control plane handed on; undefined for all others. */
  askedFrom?(request: IncomingMessage): string | undefined;
  signatures: Pick<Signatures, "verify" | "verifyForm">;
  policies: Policies;
  identities: Identities;
  /** Absent where calls are not noted. */
  trail?: TrailPort;
  kms: KmsKeys;
  volumeKeys: VolumeKeys;
  clock: Clock;
  random: Random;
  log: Log;
  /** What this cloud calls itself as a region: "us-east-1". */
  region: string;
}
