import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Identities, type Sealer } from "#/access/identities/identities.ts";
import { seal, unseal } from "#/access/seal.ts";
import { KmsKeys } from "#/access/kms/keys.ts";
import { ObjectKeys } from "#/access/object-keys.ts";
import { Signatures } from "#/access/signatures/verify.ts";
import { nodeHost } from "#/base/node/host.ts";
import { silent } from "#/base/log.ts";
import { accountIdOf } from "#/model/account.ts";
import { FileBlobs } from "#/blobs/files.ts";
import { BucketEvents } from "#/buckets/events.ts";
import { openFunctions } from "#/functions/open.ts";
import { Images } from "#/instances/images.ts";
import { Hosting } from "#/instances/hosting.ts";
import { FakeField } from "#/instances/testing/fake-host.ts";
import { Instances } from "#/instances/instances.ts";
import { orderMeans } from "#/instances/order-means.ts";
import { VirtualNetworks } from "#/instances/virtual-networks.ts";
import { SpotMarket } from "#/instances/spot.ts";
import { SpotRequests } from "#/instances/spot-requests.ts";
import { VolumeKeys } from "#/instances/volume-keys.ts";
import { Volumes } from "#/instances/volumes.ts";
import { Buckets } from "#/objects/buckets.ts";
import { openLocalStore } from "#/objects/local/open.ts";
import { MoveTasks } from "#/queues/move-tasks.ts";
import { Queues } from "#/queues/queues.ts";
import { Space } from "#/space/space.ts";
import { SqliteLog } from "#/space/logs/sqlite.ts";
import { AwsDoor } from "../door.ts";
import type { AwsParts } from "../parts.ts";
import { policyQuestion } from "../policy-question.ts";

export const accessKeyId = "AKIAIOSFODNN7EXAMPLE";
export const secretAccessKey = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
export const accountId = accountIdOf({ serial: 1 });
export const region = "us-east-1";

const signing = "the signing secret of a test's cloud";

/** A door of AWS that listens, over a cloud of one project, whose account has a key. */
export async function startAwsPort(more: Partial<AwsParts> = {}): Promise<{
  endpoint: string;
  port: number;
  folder: string;
  parts: AwsParts;
  sealer: Sealer;
  hosting: Hosting;
  /** Machines for instances: there are none until a test lets some join. */
  field: FakeField;
  /** Prices move when a test says so. */
  spotPrices: SpotMarket;
  stop(): Promise<void>;
}> {
  const host = nodeHost(silent);
  const { clock, random } = host;
  const onBroken = (error: unknown) => {
    throw error;
  };
  const space = await Space.open({
    log: new SqliteLog(":memory:", { durability: "normal" }),
    clock,
    report: silent,
    onBroken,
  });
  const folder = await mkdtemp(join(tmpdir(), "canopy-aws-port-"));
  const store = await openLocalStore({ folder, clock, random, report: silent, onBroken });
  const sealer = {
    seal: (plain: string, about: string) => seal(plain, about, signing, random),
    unseal: (sealed: string, about: string) => unseal(sealed, about, signing),
  };
  const identities = new Identities({ space, sealer, clock, random });
  await space.commit((tx) => {
    tx.put<"project">({
      kind: "project",
      project: "default",
      name: "default",
      spec: { title: "Default", weight: 1, createdAt: 0 },
      status: {},
    });
    const sealedSecret = sealer.seal(secretAccessKey, `access key ${accessKeyId}`);
    tx.put<"access-key">({
      kind: "access-key",
      project: "default",
      name: accessKeyId,
      spec: { sealedSecret, createdAt: 0, isActive: true },
      status: {},
    });
  }).durable;
  const queues = new Queues({ space, clock, random, log: silent, region });
  const kms = new KmsKeys({ space, sealer, clock, random });
  const volumeKeys = new VolumeKeys({ sealer, kms });
  const means = orderMeans({ space, access: sealer, volumeKeys, region });
  const volumes = new Volumes({ space, keys: volumeKeys, clock, random });
  const field = new FakeField(space);
  const hosting = new Hosting({ space, clock, log: silent, means });
  const instances = new Instances({ space, volumes, field, clock, random });
  const spotPrices = new SpotMarket({ space, clock });
  const blobs = await FileBlobs.open({ files: host.files, clock, folder: join(folder, "blobs") });
  const ofFunctions = { space, blobs, field, sealer, identities, clock, random, log: silent };
  const parts: AwsParts = {
    space,
    instances,
    volumes,
    spotRequests: new SpotRequests({
      space,
      instances,
      prices: spotPrices,
      clock,
      random,
      region,
    }),
    networks: new VirtualNetworks({
      space,
      clock,
      random,
      zone: `${region}a`,
      addressPool: "198.51.100.0/29",
    }),
    images: new Images({ space, volumes, blobs: noBlobs, clock, random }),
    hosting,
    buckets: new Buckets({ space, store, clock, random }),
    queues,
    ...openFunctions({ ...ofFunctions, region }),
    moveTasks: new MoveTasks({ space, queues, clock, random, log: silent }),
    store,
    objectKeys: new ObjectKeys({ sealer, random, clock }),
    bucketEvents: new BucketEvents({ space, clock, random }),
    places: {},
    accessLog: { note: () => {} },
    identities,
    kms,
    volumeKeys,
    signatures: new Signatures({ credentials: identities, clock }),
    policies: { decide: (ask, call) => identities.authorize(policyQuestion(ask, call)) },
    clock,
    random,
    log: silent,
    region,
    ...more,
  };
  parts.moveTasks.start();
  hosting.start();
  const door = new AwsDoor(parts);
  const server = createServer((request, response) => door.request(request, response));
  for (const asked of ["checkContinue", "checkExpectation"])
    server.on(asked, (request, response) => door.request(request, response));
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    endpoint: `http://127.0.0.1:${port}`,
    port,
    folder,
    parts,
    sealer,
    hosting,
    field,
    spotPrices,
    async stop() {
      hosting.stop();
      parts.moveTasks.stop();
      server.closeAllConnections();
      await new Promise((resolve) => void server.close(resolve));
      await store.close();
      await space.close();
      await rm(folder, { recursive: true });
    },
  };
}

/** What the SDK's clients are made with. */
export function clientOptions(endpoint: string) {
  return {
    endpoint,
    region,
    credentials: { accessKeyId, secretAccessKey },
    maxAttempts: 1,
    forcePathStyle: true,
  };
}

/** Operations of these tests name none. */
const noBlobs = { get: () => Promise.resolve(undefined), stat: () => Promise.resolve(undefined) };
