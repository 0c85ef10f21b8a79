import { join } from "node:path";
import { Access } from "#/access/access.ts";
import { Identities } from "#/access/identities/identities.ts";
import { KmsKeys } from "#/access/kms/keys.ts";
import type { SharedSecrets } from "#/access/secrets.ts";
import type { MasterKeys } from "#/access/vault.ts";
import { startAutonomic } from "#/autonomic/autonomic.ts";
import { startAsking } from "#/autonomic/carbon/ask.ts";
import { CarbonZones } from "#/autonomic/carbon/zones.ts";
import { startHealing } from "#/autonomic/healing/healing.ts";
import { Knowledge } from "#/autonomic/knowledge/follow.ts";
import { OpenSites } from "#/autonomic/open-sites.ts";
import { startSavings } from "#/autonomic/savings/savings.ts";
import { cutNow } from "#/autonomic/spending.ts";
import { CanopyError } from "#/base/errors.ts";
import type { Host } from "#/base/host.ts";
import { limits } from "#/base/limits.ts";
import type { Network } from "#/base/network.ts";
import { startLoop, type Loop } from "#/base/loop.ts";
import { startChaos } from "#/chaos/chaos.ts";
import type { CutBy } from "#/jobs/advance.ts";
import { openFunctions, type OpenFunctions } from "#/functions/open.ts";
import { Evacuation } from "#/instances/evacuation.ts";
import { archiveEndedInstances } from "#/instances/ended-instances.ts";
import { tellInstanceEvents } from "#/instances/events.ts";
import { Hosting } from "#/instances/hosting.ts";
import { failForsakenImages } from "#/instances/image-of-instance.ts";
import { Images } from "#/instances/images.ts";
import { InstanceIdentity } from "./instances/instance-identity.ts";
import { Instances } from "#/instances/instances.ts";
import { Interruptions } from "#/instances/interruptions.ts";
import { Moves } from "#/instances/moves.ts";
import { orderMeans } from "#/instances/order-means.ts";
import { startOrphanRemoval } from "#/instances/orphan-removal.ts";
import { Recovery } from "#/instances/recovery.ts";
import { RoleCredentials } from "#/instances/role-credentials.ts";
import { VirtualNetworks } from "#/instances/virtual-networks.ts";
import { savingActs } from "#/instances/saving-acts.ts";
import { savingsOf } from "#/instances/savings.ts";
import { SpotMarket } from "#/instances/spot.ts";
import { SpotRequests } from "#/instances/spot-requests.ts";
import { VolumeKeys } from "#/instances/volume-keys.ts";
import { Volumes } from "#/instances/volumes.ts";
import { startJobs } from "#/jobs/jobs.ts";
import { cancelJob } from "#/jobs/submit.ts";
import { FileLogs } from "#/logs/files.ts";
import type { Logs } from "#/logs/logs.ts";
import { region } from "#/model/region.ts";
import type { Placement } from "#/model/placement.ts";
import { meterWith } from "#/meter/meter.ts";
import { FileBlobs } from "#/blobs/files.ts";
import type { Blobs } from "#/blobs/blobs.ts";
import { MoveTasks } from "#/queues/move-tasks.ts";
import { Queues } from "#/queues/queues.ts";
import type { ExpectedMs } from "#/scheduler/ranks.ts";
import { ObjectKeys } from "#/access/object-keys.ts";
import { AccessLog } from "#/buckets/access-log.ts";
import { BucketEvents } from "#/buckets/events.ts";
import type { Places } from "#/buckets/places.ts";
import { QueuePlace } from "#/buckets/queue-place.ts";
import { startBuckets } from "#/buckets/start.ts";
import { Webhooks } from "#/buckets/webhooks.ts";
import { Buckets } from "#/objects/buckets.ts";
import type { HeldObjects } from "#/objects/held-objects.ts";
import { noStore } from "#/objects/no-store.ts";
import type { ObjectStore } from "#/objects/object-store.ts";
import { Scheduler } from "#/scheduler/scheduler.ts";
import type { Meter } from "#/scheduler/session.ts";
import { Leadership, standsAlone, type Standing } from "#/space/leadership.ts";
import type { OpenSite } from "#/sites/site.ts";
import type { SharedLog, SpaceLog } from "#/space/log.ts";
import { Space } from "#/space/space.ts";

/** What an engine needs of the world: a simulation has no processes to give. */
export type EngineHost = Pick<Host, "clock" | "random" | "files" | "log">;

export interface EngineOptions {
  /** Everything that it keeps beside its log is in here. */
  dataFolder: string;
  log: SpaceLog;
  /** Absent where no objects are kept. */
  openStore?: OpenStore | undefined;
  /** Absent where sites cannot be opened: then they are all unhealthy. */
  openSite?: OpenSite | undefined;
  /** Absent where nobody can be asked how clean power is. */
  network?: Pick<Network, "request"> | undefined;
  placement?: Placement | undefined;
  /** What seals secrets in the end; the cloud's signing secret when absent. */
  masters?: MasterKeys | undefined;
  /** Addresses that projects may be given, a CIDR; none when absent. */
  addressPool?: string | undefined;
  /** Called once when its log can no longer be trusted: must end the process. */
  onBroken: (error: unknown) => void;
  /** Where machines reach this control plane. */
  url?: string;
}

/** Opens the store of objects in a folder. `onBroken` must end the process: what is on disk can no longer be known. */
export type OpenStore = (parts: {
  folder: string;
  onBroken: (error: unknown) => void;
}) => Promise<ObjectStore & { hold(): HeldObjects; close(): Promise<void> }>;

export interface SharedEngineOptions {
  dataFolder: string;
  log: SharedLog;
  openSite?: OpenSite | undefined;
  /** Absent where nobody can be asked how clean power is. */
  network?: Pick<Network, "request"> | undefined;
  placement?: Placement | undefined;
  /** What seals secrets in the end; the cloud's signing secret when absent. */
  masters?: MasterKeys | undefined;
  /** Addresses that projects may be given, a CIDR; none when absent. */
  addressPool?: string | undefined;
  /** Where other control planes reach this one. */
  url: string;
  /** Called once, when this engine is of no more use: stop it and start another. */
  onOver: (reason: string) => void;
  shared?: SharedParts;
}

/** What the control planes of one log share beside it; what is absent each keeps in its data folder. */
export interface SharedParts {
  openBlobs?(): Promise<Blobs>;
  openLogs?(): Promise<Logs>;
  secrets?: SharedSecrets;
}

/** A control plane but for its door: it knows, decides and records, and nobody can reach it yet. */
export interface Engine extends Omit<OpenFunctions, "functionPlace"> {
  space: Space;
  access: Access;
  /** Who there is to the AWS doors. */
  identities: Identities;
  scheduler: Scheduler;
  /** How clean power was, is and will be. */
  zones: CarbonZones;
  /** What an attempt cost, drew and emitted. */
  meter: Meter;
  knowledge: Knowledge;
  blobs: Blobs;
  buckets: Buckets;
  queues: Queues;
  instances: Instances;
  moves: Moves;
  evacuation: Evacuation;
  volumes: Volumes;
  kms: KmsKeys;
  volumeKeys: VolumeKeys;
  spotRequests: SpotRequests;
  networks: VirtualNetworks;
  images: Images;
  hosting: Hosting;
  moveTasks: MoveTasks;
  store: ObjectStore;
  /** Absent where no objects are kept. */
  holdObjects?: (() => HeldObjects) | undefined;
  bucketEvents: BucketEvents;
  webhooks: Webhooks;
  /** Those that can be told of what happens in buckets. */
  places: Places;
  objectKeys: ObjectKeys;
  accessLog: AccessLog;
  logs: Logs;
  sites: OpenSites;
  standing: Standing;
  /** Lets another control plane lead at once, once what is pending is on disk. Nothing to do for one alone. */
  resign(): Promise<void>;
  /** Ends every loop, waits for what is not yet on disk, and closes the log. */
  stop(): Promise<void>;
}

/** An engine over a log of its own. */
export async function startEngine(host: EngineHost, options: EngineOptions): Promise<Engine> {
  const { dataFolder, log, onBroken, url = "", openStore, openSite, network } = options;
  const { placement, masters, addressPool } = options;
  await makeFolder(host, dataFolder);
  const store = await openStore?.({ folder: join(dataFolder, "objects"), onBroken });
  const space = await Space.open({ log, clock: host.clock, report: host.log, onBroken });
  const guard = guardDisk(host, space, dataFolder);
  const more = { url, store, openSite, network, placement, masters, addressPool };
  const { begin, parts, end } = await assemble(host, { dataFolder, space, ...more });
  const stop = async () => {
    guard.stop();
    end();
    await parts.logs.close();
    await parts.accessLog.flush();
    await store?.close();
    await space.close();
  };
  // A log that is not closed when the process ends by itself is damaged.
  await begin().catch(async (thrown: unknown) => {
    await stop();
    throw thrown;
  });
  return {
    ...parts,
    standing: standsAlone(space, () => ""),
    resign: () => Promise.resolve(),
    stop,
  };
}

/** An engine over a log that it shares: it follows, and leads when nobody else does. */
export async function startSharedEngine(
  host: EngineHost,
  options: SharedEngineOptions,
): Promise<Engine> {
  const {
    dataFolder,
    log,
    url,
    onOver,
    shared,
    openSite,
    network,
    placement,
    masters,
    addressPool,
  } = options;
  const { clock, log: report } = host;
  await makeFolder(host, dataFolder);
  const onBroken = (thrown: unknown) => leadership.broken(thrown);
  const isSure = () => leadership.isSure;
  const follow = async () => {
    const space = await Space.follow({ log, clock, report, onBroken });
    const more = { url, isSure, shared, openSite, network, placement, masters, addressPool };
    return { space, ...(await assemble(host, { dataFolder, space, ...more })) };
  };
  const { space, begin, parts, end } = await follow().catch(async (thrown: unknown) => {
    await log.close(); // another is opened with the next try
    throw thrown;
  });
  const onLead = () => void begin().catch(onBroken);
  const leadership = new Leadership({ space, log, clock, report, url, onLead, onOver });
  leadership.start();
  return {
    ...parts,
    standing: leadership,
    resign: () => leadership.resign(),
    async stop() {
      end();
      leadership.stop();
      await parts.logs.close();
      await log.close();
    },
  };
}

async function makeFolder({ files }: EngineHost, folder: string): Promise<void> {
  await files.makeFolder(folder, { durable: true });
  await files.setMode(folder, 0o700);
}

/** Wires every part once, and hands each only what it needs. `begin` starts what acts, in the order in which things happen. */
async function assemble(
  host: EngineHost,
  options: {
    dataFolder: string;
    space: Space;
    url: string;
    isSure?: () => boolean;
    shared?: SharedParts | undefined;
    store?: (ObjectStore & { hold(): HeldObjects }) | undefined;
    openSite?: OpenSite | undefined;
    /** Absent where nobody can be asked how clean power is. */
    network?: Pick<Network, "request"> | undefined;
    placement?: Placement | undefined;
    /** What seals secrets in the end; the cloud's signing secret when absent. */
    masters?: MasterKeys | undefined;
    addressPool?: string | undefined;
  },
) {
  const { clock, random, files, log } = host;
  const { dataFolder: folder, space, url, isSure = () => true, shared } = options;
  const { store = noStore, openSite: open = opensNone, network, placement } = options;
  const blobs =
    (await shared?.openBlobs?.()) ??
    (await FileBlobs.open({ files, clock, folder: join(folder, "blobs") }));
  const logs =
    (await shared?.openLogs?.()) ??
    (await FileLogs.open({ files, folder: join(folder, "logs"), clock, report: log }));
  const secrets = shared?.secrets;
  const access = await Access.follow({
    folder,
    files,
    space,
    clock,
    random,
    shared: secrets,
    masters: options.masters,
  });
  const identities = new Identities({ space, sealer: access, clock, random });
  const zones = new CarbonZones({ space, clock });
  const knowledge = new Knowledge(space);
  const expectedMs: ExpectedMs = (project, title, job) =>
    knowledge.seen(project)(title, { job, runningMs: [] })?.meanMs;
  const meter = meterWith((machine, from, to) => zones.meanOf(machine, from, to));
  const scheduler = new Scheduler({ space, clock, log, meter, isSure, placement, expectedMs });
  const buckets = new Buckets({ space, store, clock, random });
  const bucketEvents = new BucketEvents({ space, clock, random });
  const webhooks = new Webhooks({ space, sealer: access, clock, random, network });
  const queues = new Queues({ space, clock, random, log, region });
  const moveTasks = new MoveTasks({ space, queues, clock, random, log });
  const objectKeys = new ObjectKeys({ sealer: access, random, clock });
  const ofBuckets = { buckets, store, events: bucketEvents, objectKeys, clock };
  const kms = new KmsKeys({ space, sealer: access, clock, random });
  const volumeKeys = new VolumeKeys({ sealer: access, kms });
  const volumes = new Volumes({ space, keys: volumeKeys, clock, random });
  const networks = new VirtualNetworks({
    space,
    clock,
    random,
    zone: `${region}a`,
    addressPool: options.addressPool,
  });
  const images = new Images({ space, volumes, blobs, clock, random });
  const instances = new Instances({ space, volumes, field: scheduler, clock, random });
  tellInstanceEvents({ space, clock, random, region });
  const spotPrices = new SpotMarket({ space, clock });
  const ofSpot = { space, instances, prices: spotPrices, clock, random, region };
  const spotRequests = new SpotRequests(ofSpot);
  const moves = new Moves({ space, field: scheduler, sealer: access, clock, random });
  const evacuation = new Evacuation({ space, instances, moves, clock });
  const credentials = new RoleCredentials({ space, identities, clock });
  const identity = new InstanceIdentity({ space, sealer: access, clock, random });
  const means = orderMeans({ space, access, volumeKeys, region, credentials, identity });
  const hosting = new Hosting({ space, clock, log, means });
  const field = scheduler;
  const ofFunctions = { space, blobs, field, sealer: access, identities, clock, random, log };
  const { functionPlace: lambda, ...functions } = openFunctions({ ...ofFunctions, region });
  const accessLog = new AccessLog({ ...ofBuckets, random, log });
  const places: Places = {
    webhook: webhooks,
    sqs: new QueuePlace({ queues, space }),
    lambda,
  };
  const sites = new OpenSites({ space, access, open, clock, log });
  const acting: { stop(): void }[] = [knowledge];
  return {
    parts: {
      space,
      access,
      identities,
      scheduler,
      sites,
      zones,
      meter,
      knowledge,
      blobs,
      buckets,
      queues,
      ...functions,
      instances,
      moves,
      evacuation,
      volumes,
      kms,
      volumeKeys,
      spotRequests,
      networks,
      images,
      hosting,
      moveTasks,
      store,
      holdObjects: options.store && (() => options.store!.hold()),
      bucketEvents,
      webhooks,
      places,
      objectKeys,
      accessLog,
      logs,
    },
    async begin() {
      const made = access.begin();
      const cut = (...asked: Parameters<CutBy>) => cutNow({ space, field: scheduler }, ...asked);
      acting.push(startJobs({ space, blobs, clock, log, cut }));
      scheduler.start();
      sites.start();
      queues.start();
      moveTasks.start();
      hosting.start();
      functions.invoker.start();
      functions.functionEvents.start();
      const recovery = new Recovery({
        space,
        field: scheduler,
        hosting,
        evacuation,
        clock,
        log,
      });
      recovery.start();
      const requests = spotRequests;
      const ofSpot = { space, instances, requests, prices: spotPrices, clock, log };
      const interruptions = new Interruptions(ofSpot);
      interruptions.start();
      const lookAtEnded = () => {
        failForsakenImages({ space });
        archiveEndedInstances({ space, clock });
      };
      const ended = startLoop("ended instances", lookAtEnded, {
        clock,
        log,
        everyMs: limits.endedInstancesLookMs,
      });
      acting.push(
        sites,
        queues,
        moveTasks,
        hosting,
        functions.functionEvents,
        functions.invoker,
        recovery,
        interruptions,
        ended,
      );
      knowledge.start({ clock, log });
      if (network) acting.push(startAsking({ space, clock, log, network, access }));
      acting.push(startChaos({ space, field: scheduler, clock, random, log }));
      acting.push(
        startAutonomic({
          space,
          field: scheduler,
          sites,
          zones,
          knowledge,
          clock,
          random,
          log,
          urls: () => [url],
          createToken: (tx, { name, spec }) => {
            const { labels } = spec.offer;
            return access.createJoinToken(tx, { labels, site: spec.site, order: name }).token;
          },
          cancelJob: (tx, job, reason, now) => void cancelJob(tx, job, reason, now),
        }),
      );
      acting.push(await startBuckets({ ...ofBuckets, space, random, log, places, accessLog }));
      acting.push(
        startSavings({
          space,
          clock,
          random,
          log,
          find: (project) => savingsOf(space, { project, now: clock.now() }),
          act: savingActs({ space, volumes, requests, instances }),
        }),
      );
      acting.push(startOrphanRemoval({ space, blobs, clock, log, isSure }));
      acting.push(startHealing({ space, field: scheduler, knowledge, clock, log }));
      await made;
    },
    end() {
      for (const one of acting) one.stop();
      scheduler.stop();
    },
  };
}

const opensNone: OpenSite = () => {
  throw new CanopyError("unavailable", "this control plane opens no sites");
};

/** Stops acknowledging before the disk is full, says so, and goes on when there is space again. */
function guardDisk({ clock, files, log }: EngineHost, space: Space, folder: string): Loop {
  let isHeld = false;
  const turn = async () => {
    const freeBytes = await files.freeBytes(folder);
    const mustHold = freeBytes < limits.diskFreeBytesMin;
    if (mustHold === isHeld) return;
    isHeld = mustHold;
    if (!mustHold) {
      log.warn("the disk has space again; changes are accepted");
      space.hold(undefined);
      return;
    }
    const reason = new CanopyError(
      "no-space",
      `Cannot keep changes as the disk of ${folder} must have ${limits.diskFreeBytesMin} bytes free: it has ${freeBytes}`,
      { hint: "Free some space there; Canopy goes on by itself" },
    );
    log.warn(reason.message, { hint: reason.hint });
    space.hold(reason);
  };
  const loop = startLoop("disk", turn, { clock, log, everyMs: limits.diskCheckMs });
  loop.wake();
  return loop;
}
