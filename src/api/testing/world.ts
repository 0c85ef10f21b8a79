import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { FastifyInstance, LightMyRequestResponse } from "fastify";
import { Identities } from "#/access/identities/identities.ts";
import { Access } from "#/access/access.ts";
import { cutNow } from "#/autonomic/spending.ts";
import { CarbonZones } from "#/autonomic/carbon/zones.ts";
import { OpenSites } from "#/autonomic/open-sites.ts";
import { Planner } from "#/autonomic/planner.ts";
import { Knowledge } from "#/autonomic/knowledge/follow.ts";
import { oneBackupAtATime } from "#/backup/one-at-a-time.ts";
import type { Clock } from "#/base/clock.ts";
import { CanopyError } from "#/base/errors.ts";
import { silent, type Log } from "#/base/log.ts";
import { nodeClock } from "#/base/node/clock.ts";
import { nodeFiles } from "#/base/node/files.ts";
import { nodeHost } from "#/base/node/host.ts";
import { nodeForward } from "#/base/node/forward.ts";
import { startThread } from "#/base/node/threads.ts";
import { nodeRandom } from "#/base/node/random.ts";
import { Forecaster } from "#/forecast/forecaster.ts";
import { eta } from "#/jobs/eta.ts";
import type { CutBy } from "#/jobs/advance.ts";
import { startJobs } from "#/jobs/jobs.ts";
import * as submit from "#/jobs/submit.ts";
import { FileLogs } from "#/logs/files.ts";
import { meterWith } from "#/meter/meter.ts";
import type { JobRequestInput, StepRequestInput } from "#/model/job-request.ts";
import type { JobView } from "#/model/views.ts";
import { BucketEvents } from "#/buckets/events.ts";
import { Webhooks } from "#/buckets/webhooks.ts";
import { openLocalStore } from "#/objects/local/open.ts";
import { tellInstanceEvents } from "#/instances/events.ts";
import { Invoker } from "#/functions/invoker.ts";
import { Evacuation } from "#/instances/evacuation.ts";
import { Hosting } from "#/instances/hosting.ts";
import { Images } from "#/instances/images.ts";
import { Moves } from "#/instances/moves.ts";
import { Instances } from "#/instances/instances.ts";
import { SpotMarket } from "#/instances/spot.ts";
import { SpotRequests } from "#/instances/spot-requests.ts";
import { VirtualNetworks } from "#/instances/virtual-networks.ts";
import { Volumes } from "#/instances/volumes.ts";
import { orderMeans } from "#/instances/order-means.ts";
import { testVolumeKeys } from "#/instances/testing/volume-keys.ts";
import { Buckets } from "#/objects/buckets.ts";
import { FileBlobs } from "#/blobs/files.ts";
import { Scheduler } from "#/scheduler/scheduler.ts";
import { SimulatedSite } from "#/sites/simulated.ts";
import type { OpenSite } from "#/sites/site.ts";
import type { SpaceLog } from "#/space/log.ts";
import { standsAlone } from "#/space/leadership.ts";
import { MemoryLog } from "#/space/logs/memory.ts";
import { Space } from "#/space/space.ts";
import { agentFiles } from "../../agent-files.ts";
import { Members } from "../members.ts";
import { buildServer } from "../server.ts";

/** A whole cloud but for its agents, over real parts, in a folder of its own. */
export interface World {
  server: FastifyInstance;
  space: Space;
  scheduler: Scheduler;
  access: Access;
  logs: FileLogs;
  blobs: FileBlobs;
  sites: OpenSites;
  folder: string;
  root: string;
  /** As root unless a key is given. A body that is no text is sent as JSON. */
  call(
    method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE" | "HEAD",
    url: string,
    options?: CallOptions,
  ): Promise<Answer>;
  /** Listens on a free port of the loopback; gives the address. */
  listen(): Promise<string>;
  stop(): Promise<void>;
}

export interface CallOptions {
  key?: string;
  body?: unknown;
  headers?: Record<string, string>;
}

export type Answer = LightMyRequestResponse;

export interface WorldOptions {
  log?: SpaceLog;
  clock?: Clock;
  report?: Log;
}

/** Machines of simulated sites are planned with as real ones are; nobody makes them here. */
const asReal = { booted() {}, ended() {} };

export async function startWorld(options: WorldOptions = {}): Promise<World> {
  const { log = new MemoryLog(), clock = nodeClock, report = silent } = options;
  const folder = await mkdtemp(join(tmpdir(), "canopy-api-"));
  const space = await Space.open({ log, clock, report, onBroken: () => {} });
  const blobs = await FileBlobs.open({ files: nodeFiles, clock, folder: join(folder, "blobs") });
  const logs = await FileLogs.open({
    files: nodeFiles,
    folder: join(folder, "logs"),
    clock,
    report,
  });
  const access = await Access.open({ folder, files: nodeFiles, space, clock, random: nodeRandom });
  const zones = new CarbonZones({ space, clock });
  const meter = meterWith((machine, from, to) => zones.meanOf(machine, from, to));
  const scheduler = new Scheduler({ space, clock, log: report, meter });
  const cut = (...asked: Parameters<CutBy>) => cutNow({ space, field: scheduler }, ...asked);
  const jobs = startJobs({ space, blobs, clock, log: report, cut });
  scheduler.start();
  const knowledge = new Knowledge(space);
  knowledge.start({ clock, log: report });
  const program = new URL("../../forecast-thread.ts", import.meta.url);
  let url = "http://127.0.0.1:0";
  const standing = standsAlone(space, () => url);
  const open: OpenSite = async ({ name, config }) => {
    if (config.type === "simulated")
      return new SimulatedSite(config, { name, clock, world: asReal });
    throw new CanopyError("forbidden", "AuthFailure: the credentials were not accepted");
  };
  const sites = new OpenSites({ space, access, open, clock, log: report });
  sites.start();
  const elsewhere = agentFiles(nodeHost(report), join(folder, "programs"));
  const offers = () => sites.offers();
  const forecasting = { space, scheduler, clock, knowledge, offers, startThread, program };
  const forecaster = new Forecaster(forecasting);
  const solver = new URL("../../solver-thread.ts", import.meta.url);
  const planner = new Planner({ clock, log: report, startThread, program: solver });
  const store = await openLocalStore({
    folder: join(folder, "objects"),
    clock: nodeClock,
    random: nodeRandom,
    report,
    onBroken: (thrown) => {
      throw thrown;
    },
  });
  const webhooks = new Webhooks({ space, sealer: access, clock, random: nodeRandom });
  const volumeKeys = testVolumeKeys({ space, clock, random: nodeRandom }, access);
  const means = orderMeans({ space, access, volumeKeys, region: "us-east-1" });
  const hosting = new Hosting({ space, clock, log: report, means });
  hosting.start();
  const volumes = new Volumes({ space, keys: volumeKeys, clock, random: nodeRandom });
  const launching = { space, volumes, field: scheduler, clock, random: nodeRandom };
  const instances = new Instances(launching);
  tellInstanceEvents({ ...launching, region: "us-east-1" });
  const spotRequests = new SpotRequests({
    ...launching,
    instances,
    prices: new SpotMarket({ space, clock }),
    region: "us-east-1",
  });
  const moves = new Moves({ ...launching, sealer: access });
  const server = buildServer({
    space,
    scheduler,
    knowledge,
    standing,
    members: new Members({ space, standing, clock, publicUrl: () => url }),
    forward: nodeForward,
    jobs: { ...submit, eta },
    access,
    identities: new Identities({ space, sealer: access, clock, random: nodeRandom }),
    zones,
    meter,
    blobs,
    hosting,
    invoker: new Invoker({
      ...launching,
      log: report,
      brief: () => assert.fail("nothing is invoked here"),
    }),
    instances,
    spotRequests,
    moves,
    evacuation: new Evacuation({ space, instances, moves, clock }),
    volumes,
    networks: new VirtualNetworks({ ...launching, zone: "us-east-1a" }),
    images: new Images({ space, volumes, blobs, clock, random: nodeRandom }),
    buckets: new Buckets({ space, store, clock, random: nodeRandom }),
    store,
    bucketEvents: new BucketEvents({ space, clock, random: nodeRandom }),
    places: { webhook: webhooks },
    webhooks,
    logs,
    sites,
    forecaster,
    planner,
    clock,
    random: nodeRandom,
    log: report,
    version: "0.0.0-test",
    takeBackup: oneBackupAtATime(async () => ({ space, blobs, clock, version: "0.0.0-test" })),
    agentFile: async (part) => {
      const { agentPath, nodePath } = await elsewhere();
      const path = part === "agent" ? agentPath : nodePath;
      const { sizeBytes } = (await nodeFiles.stat(path))!;
      return { sizeBytes, content: nodeFiles.stream(path) };
    },
    currency: "USD",
    publicUrl: () => url,
    awsUrl: () => url,
  });
  await server.ready();
  const root = access.rootToken;
  return {
    server,
    space,
    scheduler,
    access,
    logs,
    blobs,
    sites,
    folder,
    root,
    async call(method, path, { key = root, body, headers } = {}) {
      const isJson = body !== undefined && typeof body !== "string" && !Buffer.isBuffer(body);
      return server.inject({
        method,
        url: path,
        headers: {
          ...(key !== "" && { authorization: `Bearer ${key}` }),
          ...(isJson && { "content-type": "application/json" }),
          ...headers,
        },
        ...(body !== undefined && {
          payload: (isJson ? JSON.stringify(body) : body) as string | Buffer,
        }),
      });
    },
    async listen() {
      url = await server.listen({ host: "127.0.0.1", port: 0 });
      return url;
    },
    async stop() {
      forecaster.stop();
      planner.stop();
      knowledge.stop();
      await server.close();
      sites.stop();
      jobs.stop();
      hosting.stop();
      scheduler.stop();
      await logs.close();
      await store.close();
      await space.close();
      await rm(folder, { recursive: true });
    },
  };
}

/** A step whose tasks are appended by calls. */
export const listStep: StepRequestInput = {
  name: "main",
  run: { driver: "process", command: ["true"] },
  source: { type: "list" },
};

export async function submitJob(
  world: World,
  request: Partial<JobRequestInput> = {},
  options: CallOptions = {},
): Promise<JobView> {
  const answer = await world.call("POST", "/v1/jobs", {
    ...options,
    body: { title: "test", steps: [listStep], ...request },
  });
  if (answer.statusCode !== 201) throw new Error(`${answer.statusCode}: ${answer.body}`);
  return answer.json<JobView>();
}
