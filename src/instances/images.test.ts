import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { afterEach, beforeEach, test } from "node:test";
import { silent } from "#/base/log.ts";
import { nodeClock } from "#/base/node/clock.ts";
import { nodeRandom } from "#/base/node/random.ts";
import type { HostReports, SnapshotReport } from "#/model/hosting.ts";
import { blobsOf, sourceOf } from "#/model/image.ts";
import type { InstanceRecord } from "#/model/instance.ts";
import type { VolumeRecord } from "#/model/volume.ts";
import { MemoryLog } from "#/space/logs/memory.ts";
import { Space } from "#/space/space.ts";
import { fold } from "./fold.ts";
import { copyImage } from "./image-changes.ts";
import { failForsakenImages } from "./image-of-instance.ts";
import { Images, type ImageAsked } from "./images.ts";
import { orderMeans } from "./order-means.ts";
import { kernelText } from "./testing/image-cloud.ts";
import { testVolumeKeys } from "./testing/volume-keys.ts";
import type { VolumeKeys } from "./volume-keys.ts";
import { ordersFor } from "./orders.ts";
import { orphansOf } from "./orphans.ts";
import { Volumes } from "./volumes.ts";

const GiB = 2 ** 30;
let space: Space;
let blobs: Map<string, Buffer>;
let volumes: Volumes;
let images: Images;
let volumeKeys: VolumeKeys;
const sealer = {
  seal: (plain: string, about: string) => `${about}: ${plain}`,
  unseal(sealed: string, about: string) {
    assert.ok(sealed.startsWith(`${about}: `), `sealed for another than ${about}`);
    return sealed.slice(about.length + 2);
  },
};

beforeEach(async () => {
  space = await Space.open({
    log: new MemoryLog(),
    clock: nodeClock,
    report: silent,
    onBroken: () => {},
  });
  blobs = new Map();
  volumeKeys = testVolumeKeys({ space, clock: nodeClock, random: nodeRandom }, sealer);
  volumes = new Volumes({ space, keys: volumeKeys, clock: nodeClock, random: nodeRandom });
  images = new Images({
    space,
    volumes,
    clock: nodeClock,
    random: nodeRandom,
    blobs: {
      stat: async (_project, key) => {
        const found = blobs.get(key);
        return found && { key, sizeBytes: found.length };
      },
      get: async (_project, key) => {
        const found = blobs.get(key);
        return found && { sizeBytes: found.length, content: pieces(found) };
      },
    },
  });
});
afterEach(() => space.close());

async function* pieces(content: Buffer) {
  yield content;
}

function put(content: string): string {
  const key = createHash("sha256").update(content).digest("hex");
  blobs.set(key, Buffer.from(content));
  return key;
}

const said = { description: "", architecture: "x86_64" as const, kinds: ["vm" as const], tags: {} };

function diskImage(title: string): ImageAsked {
  const chunks = [put(`chunk of ${title}`), null];
  const manifest = put(JSON.stringify({ sizeBytes: 8 << 20, chunkBytes: 4 << 20, chunks }));
  const disks = [{ device: "/dev/sda1", manifest }];
  return { ...said, title, source: { type: "disk", disks } };
}

const unikernel = (title: string, kernel: string): ImageAsked => ({
  ...said,
  title,
  source: { type: "unikernel", kernel: put(kernelText(kernel)), commandLine: "" },
});

/** An instance of an image that runs, as a machine would have it. */
async function instanceOf(image: string, isEncrypted = false): Promise<InstanceRecord> {
  const snapshotName = (() => {
    const { source } = space.get("image", image)!.spec;
    return source.type === "disk" ? source.disks[0]!.snapshot : "";
  })();
  const asked = {
    type: "gp3" as const,
    zone: "z",
    tags: {},
    isEncrypted,
    ...(snapshotName !== "" && { snapshot: space.get("snapshot", snapshotName)! }),
    sizeBytes: GiB,
  };
  const instance = "i-0123456789abcdef0";
  return space.commit((tx) => {
    const { name, spec } = volumes.draft(tx, asked);
    const attachment = {
      instance,
      device: "/dev/sda1",
      since: 0,
      state: "attached" as const,
      deletesOnTermination: true,
    };
    tx.put<"volume">({
      kind: "volume",
      project: "p",
      name,
      spec,
      status: { state: "in-use", machine: "m", attachment },
    });
    return tx.put<"instance">({
      kind: "instance",
      project: "p",
      name: instance,
      spec: {
        image,
        type: "v.small",
        kind: "vm",
        wanted: "running",
        network: {
          vpc: "vpc-1",
          subnet: "subnet-1",
          privateIp: "10.0.0.4",
          groups: [] as string[],
        },
      } as unknown as InstanceRecord["spec"],
      status: { state: "running", since: 0, machine: "m", fence: 1 },
    });
  }).value;
}

function hear(report: Partial<SnapshotReport> & { snapshot: string }, machine = "m"): void {
  const whole = { state: "done" as const, progress: 100, ...report };
  const reports: HostReports = { instances: [], volumes: [], gone: [], snapshots: [whole] };
  space.commit((tx) => fold(tx, space, { machine, reports, now: 0 }));
}

test("make() makes an image with a snapshot of each disk, of whole GiB, when all of its blobs are there", async () => {
  const image = await images.make("p", diskImage("one"));
  assert.equal(image.status.state, "available");
  assert.ok(image.spec.source.type === "disk");
  const [disk] = image.spec.source.disks;
  assert.equal(disk!.sizeBytes, GiB);
  const snapshot = volumes.findSnapshot("p", disk!.snapshot);
  assert.equal(snapshot.status.state, "completed");
  await assert.rejects(images.make("p", diskImage("one")), {
    awsCode: "InvalidAMIName.Duplicate",
  });
  await images.make("q", diskImage("one"));
  const asked = diskImage("two");
  blobs.delete(put("chunk of two"));
  await assert.rejects(images.make("p", asked), /does not exist: put it first/);
  const wrong = { type: "disk" as const, disks: [{ device: "/dev/sda1", manifest: put("x") }] };
  await assert.rejects(
    images.make("p", { ...said, title: "three", source: wrong }),
    /lists no disk/,
  );
  assert.deepEqual(
    images.list("p").map(({ spec }) => spec.title),
    ["one"],
  );
});

test("create() makes an image of an instance that is available when its machine has taken the snapshots", async () => {
  const origin = await images.make("p", diskImage("one"));
  const instance = await instanceOf(origin.name);
  const asked = { title: "made", description: "", tags: {} };
  const { name } = images.create(instance, asked);
  const made = () => images.findOwn("p", name);
  assert.equal(made().status.state, "pending");
  const { source } = made().spec;
  assert.ok(source.type === "disk");
  const { snapshot } = source.disks[0]!;
  hear({ snapshot, state: "reading", progress: 50 });
  assert.equal(made().status.state, "pending");
  hear({ snapshot, manifest: put("{}"), newBytes: 7 });
  assert.equal(made().status.state, "available");
  const other = images.create(instance, { ...asked, title: "fails" });
  assert.ok(other.spec.source.type === "disk");
  hear({ snapshot: other.spec.source.disks[0]!.snapshot, state: "failed", reason: "no" });
  assert.equal(images.findOwn("p", other.name).status.state, "failed");
});

const files = (title: string, contents: readonly string[]): ImageAsked => {
  const run = { entrypoint: [], command: ["x"], env: [], folder: "/", user: "", ports: [] };
  const source = {
    type: "files" as const,
    layers: contents.map(put),
    run: { ...run, stopSignal: "" },
  };
  return { ...said, kinds: ["container"], title, source };
};

test("create() makes an image of a container when its machine has kept its files; another machine's word is none", async () => {
  const origin = await images.make("p", files("base", ["one", "two"]));
  const of = await instanceOf(origin.name);
  const instance = space.commit((tx) =>
    tx.put<"instance">({ ...of, spec: { ...of.spec, kind: "container" } }),
  ).value;
  const { name } = images.create(instance, { title: "made", description: "", tags: {} });
  const made = () => images.findOwn("p", name);
  assert.equal(made().status.state, "pending");
  const metadataOf = () => ({ isEnabled: false, hopLimit: 1, documents: {} });
  const means = { ...orderMeans({ space, access: sealer, volumeKeys, region: "r" }), metadataOf };
  assert.deepEqual(
    ordersFor("m", means).snapshots.map((order) => ({ ...order })),
    [{ snapshot: name, instance: instance.name, isConsistent: true }],
  );
  const layers = ["one", "two", "own"].map((content) => ({ key: put(content), sizeBytes: 3 }));
  hear({ snapshot: name, layers }, "another machine");
  assert.equal(made().status.state, "pending");
  hear({ snapshot: name, layers });
  assert.equal(made().status.state, "available");
  assert.deepEqual(sourceOf(made()), { ...made().spec.source, layers });
  assert.deepEqual(ordersFor("m", means).snapshots, []);

  const copy = copyImage({ space, clock: nodeClock, random: nodeRandom }, made(), {
    title: "copy",
    description: "",
    tags: {},
  });
  assert.deepEqual(blobsOf(copy), layers);
  images.deregister(made());
  assert.deepEqual(orphansOf(space, "p"), [], "the copy has its layers");
  images.deregister(images.findOwn("p", copy.name));
  assert.deepEqual(
    orphansOf(space, "p").map(({ blobs }) => blobs),
    [[layers[2]], [layers[2]]],
    "what it was made of has the others",
  );

  const late = images.create(instance, {
    title: "late",
    description: "",
    tags: {},
    noReboot: true,
  });
  assert.equal(ordersFor("m", means).snapshots[0]?.isConsistent, false);
  failForsakenImages({ space });
  assert.equal(images.findOwn("p", late.name).status.state, "pending");
  space.commit((tx) =>
    tx.put<"instance">({ ...instance, spec: { ...instance.spec, wanted: "terminated" } }),
  );
  failForsakenImages({ space });
  assert.match(images.findOwn("p", late.name).status.reason!, /ended before/);
});

test("create() refuses an instance that is on its way, and one whose root is no volume", async () => {
  const origin = await images.make("p", unikernel("uni", "kernel"));
  const instance = await instanceOf(origin.name);
  const asked = { title: "made", description: "", tags: {} };
  assert.throws(() => images.create(instance, asked), { awsCode: "InvalidParameterValue" });
  const pending = { ...instance, status: { ...instance.status, state: "pending" as const } };
  assert.throws(() => images.create(pending, asked), { awsCode: "IncorrectInstanceState" });
});

test("find() tells what is none, what is another's, and what is shared", async () => {
  const { name } = await images.make("p", diskImage("one"));
  assert.equal(images.find({ project: "p" }, name).name, name);
  assert.throws(() => images.find({ project: "q", accountId: "1" }, name), {
    awsCode: "InvalidAMIID.NotFound",
  });
  assert.throws(() => images.find({ project: "p" }, "ami-0123456789abcdef0"), {
    awsCode: "InvalidAMIID.NotFound",
  });
  assert.throws(() => images.find({ project: "p" }, "../x"), {
    awsCode: "InvalidAMIID.Malformed",
  });
  const image = images.findOwn("p", name);
  space.commit((tx) => tx.put<"image">({ ...image, spec: { ...image.spec, sharedWith: ["1"] } }));
  assert.equal(images.find({ project: "q", accountId: "1" }, name).name, name);
});

test("make() refuses a kernel that is none", async () => {
  const kernel = put("ELF?");
  const refused = { awsCode: "InvalidParameterValue", message: /must be a Linux bzImage, an ELF/ };
  const alone = { type: "unikernel" as const, kernel, commandLine: "" };
  await assert.rejects(images.make("p", { ...said, title: "one", source: alone }), refused);
  const { source } = diskImage("two");
  assert.ok(source.type === "disk");
  const booting = { ...source, boot: { kernel, commandLine: "" } };
  await assert.rejects(images.make("p", { ...said, title: "two", source: booting }), refused);
  assert.deepEqual(images.list("p"), []);
});

test("orphansOf() finds what deregistered images have left, but for what others, or what runs, still need", async () => {
  const one = await images.make("p", unikernel("one", "shared kernel"));
  const two = await images.make("p", unikernel("two", "shared kernel"));
  const disk = await images.make("p", diskImage("disk"));
  assert.deepEqual(orphansOf(space, "p"), []);
  images.deregister(one);
  assert.deepEqual(orphansOf(space, "p"), [], "another image has the kernel");
  const instance = await instanceOf(two.name);
  images.deregister(two);
  assert.deepEqual(orphansOf(space, "p"), [], "what runs may be started again");
  assert.ok(space.get("image", two.name), "its machine is told of it as before");
  space.commit((tx) => tx.delete("instance", instance.name));
  images.deregister(disk);
  assert.throws(() => images.deregister(images.findOwn("p", disk.name)), {
    awsCode: "InvalidAMIID.Unavailable",
  });
  const left = orphansOf(space, "p");
  assert.deepEqual(
    left.map(({ image }) => image.spec.title),
    ["one", "two", "disk"],
  );
  assert.equal(left[2]!.snapshots.length, 1);
  assert.deepEqual(orphansOf(space, "q"), []);
  await images.make("p", diskImage("disk")); // its name is free again
});

test("a volume of an encrypted snapshot is opened with the key of the volume that this was of, however often it passed on", async () => {
  const first = volumes.create("p", {
    type: "gp3",
    zone: "z",
    tags: {},
    isEncrypted: true,
    sizeBytes: GiB,
  });
  const placed = space.commit((tx) =>
    tx.put<"volume">({ ...first, status: { ...first.status, machine: "m" } }),
  ).value;
  const asked = { description: "", tags: {} };
  const taken = volumes.snapshot(placed, asked);
  hear({ snapshot: taken.name, manifest: "f".repeat(64) });
  const of = (snapshot: string): VolumeRecord =>
    volumes.create("p", {
      type: "gp3",
      zone: "z",
      tags: {},
      isEncrypted: false,
      snapshot: volumes.findSnapshot("p", snapshot),
    });
  const second = of(taken.name);
  const third = of(volumes.snapshot(second, asked).name);
  space.commit((tx) => {
    tx.delete("snapshot", taken.name);
    tx.put<"volume">({ ...third, status: { ...third.status, machine: "m" } });
  });
  const means = orderMeans({ space, access: sealer, volumeKeys, region: "r" });
  const order = (name: string) =>
    ordersFor("m", means).volumes.find(({ volume }) => volume === name)!;
  assert.equal(order(third.name).manifest, "f".repeat(64), "though the snapshot is gone");
  assert.equal(order(third.name).manifestKey, order(first.name).key);
  assert.notEqual(order(third.name).key, order(first.name).key);
});
