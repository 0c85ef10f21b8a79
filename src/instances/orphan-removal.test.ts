import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, beforeEach, test } from "node:test";
import { limits } from "#/base/limits.ts";
import type { PlanRecord } from "#/model/plan.ts";
import type { TaskRecord } from "#/model/task.ts";
import type { Draft } from "#/space/space.ts";
import { snapshotsOf } from "./image-of-instance.ts";
import { neededSnapshots, orphansOf, removeOrphan } from "./orphans.ts";
import { deleteSnapshot } from "./snapshots.ts";
import { ImageCloud, kernelText, keyOf, project } from "./testing/image-cloud.ts";

const dayMs = 24 * 60 * 60_000;
const root = mkdtempSync(join(tmpdir(), "canopy-orphans-"));
after(() => rmSync(root, { recursive: true }));
let count = 0;
let cloud: ImageCloud;
beforeEach(async () => {
  cloud = await ImageCloud.make(join(root, String(++count)));
});

const has = (...contents: string[]) => contents.map((content) => cloud.has(keyOf(content)));
const removalOf = (image: string) => cloud.space.get("image", image)?.status.removal;

test("what a deregistered image has left goes with its snapshots: chunks, their list, and the image; what others have stays", async () => {
  const one = await cloud.importDisk("one", ["own", null, "shared"]);
  await cloud.importDisk("two", ["shared", "other"]);
  assert.throws(() => removeOrphan(cloud.space, one.name), /must be deregistered: it is available/);
  cloud.images.deregister(one);
  const [left] = orphansOf(cloud.space, project);
  const [snapshot] = left!.snapshots;
  removeOrphan(cloud.space, one.name);
  removeOrphan(cloud.space, one.name);
  assert.equal(cloud.space.get("snapshot", snapshot!.name), undefined);
  await cloud.removeOrphans();
  assert.deepEqual(has("own", "shared", "other"), [true, true, true]);
  assert.match(removalOf(one.name)!.waitsFor!, /blobs of it were put or asked for within 24 hours/);
  cloud.pass(2 * dayMs);
  await cloud.removeOrphans();
  assert.deepEqual(has("own", "shared", "other"), [false, true, true]);
  assert.equal(cloud.has(snapshot!.status.manifest!), false);
  assert.equal(cloud.space.get("image", one.name), undefined);
  assert.deepEqual(orphansOf(cloud.space, project), []);
  const [decision] = await cloud.space.archived("decision", { limit: 1 });
  assert.match(decision!.spec.what, /removed the data that it had left: \d+B/);
});

test("an importer who finds a blob and puts nothing keeps it; one who finds it gone is told to put it", async () => {
  const kernel = kernelText("one");
  const one = await cloud.importKernel("one", kernel);
  cloud.images.deregister(one);
  removeOrphan(cloud.space, one.name);
  cloud.pass(2 * dayMs);
  await cloud.bring(kernel);
  await cloud.removeOrphans();
  assert.deepEqual(has(kernel), [true]);
  const two = await cloud.importKernel("two", kernel);
  cloud.pass(2 * dayMs);
  await cloud.removeOrphans();
  assert.deepEqual(has(kernel), [true], "an image has it");
  assert.equal(cloud.space.get("image", one.name), undefined, "nothing of its data is left to go");
  cloud.images.deregister(two);
  removeOrphan(cloud.space, two.name);
  await cloud.removeOrphans();
  assert.deepEqual(has(kernel), [false]);
  const source = { type: "unikernel" as const, kernel: keyOf(kernel), commandLine: "" };
  const asked = { title: "three", description: "", architecture: "x86_64" as const, tags: {} };
  await assert.rejects(cloud.images.make(project, { ...asked, kinds: ["microvm"], source }), {
    awsCode: "InvalidParameterValue",
    message: /does not exist: put it first/,
  });
});

test("make() refuses when it took so long to find the blobs that the first may be gone", async () => {
  const manifest = await cloud.bringDisk(["a", "b"]);
  const { blobs } = cloud;
  const stat = blobs.stat.bind(blobs);
  blobs.stat = async (...asked) => {
    cloud.pass(limits.orphanUntouchedMs / 2);
    return stat(...asked);
  };
  const source = { type: "disk" as const, disks: [{ device: "/dev/sda1", manifest }] };
  const asked = { title: "slow", description: "", architecture: "x86_64" as const, tags: {} };
  await assert.rejects(cloud.images.make(project, { ...asked, kinds: ["vm"], source }), {
    awsCode: "Unavailable",
  });
  assert.deepEqual(cloud.images.list(project), []);
});

test("bytes of a deleted snapshot go after a day: what others have stays, and all of it while a volume was made of it", async () => {
  const { space } = cloud;
  const diskOf = async (title: string, contents: string[]) => {
    const image = await cloud.importDisk(title, contents);
    cloud.images.deregister(image);
    return space.get("snapshot", snapshotsOf(image.spec.source)[0]!)!;
  };
  const one = await diskOf("one", ["own", "shared"]);
  const two = await diskOf("two", ["shared", "other"]);
  const three = await diskOf("three", ["of a volume"]);
  const volume = cloud.volume(three.name);
  for (const snapshot of [one, three]) deleteSnapshot(space, snapshot);
  await cloud.removeOrphans();
  assert.deepEqual(has("own", "shared", "of a volume"), [true, true, true], "they are new");
  cloud.pass(2 * dayMs);
  await cloud.removeOrphans();
  assert.deepEqual(has("own", "shared", "other"), [false, true, true]);
  assert.equal(cloud.has(one.status.manifest!), false);
  assert.deepEqual(
    [...space.all("snapshot-removal")].map(({ name }) => name),
    [three.name],
  );
  space.commit((tx) => tx.delete("volume", volume.name));
  deleteSnapshot(space, two);
  await cloud.removeOrphans();
  assert.deepEqual(has("shared", "other", "of a volume"), [false, false, false]);
  assert.equal(space.count("snapshot-removal"), 0);
});

test("each deleted snapshot ends as soon as its own chunks have gone, and all volumes are looked through once", async () => {
  const { space } = cloud;
  const names = new Map<string, string>();
  for (const title of ["one", "two", "three"]) {
    const image = await cloud.importDisk(title, [`of ${title}`, `more of ${title}`, "shared"]);
    cloud.images.deregister(image);
    const snapshot = space.get("snapshot", snapshotsOf(image.spec.source)[0]!)!;
    names.set(title, snapshot.name);
    deleteSnapshot(space, snapshot);
  }
  cloud.pass(2 * dayMs);
  await cloud.bring("of two");
  const all = space.all.bind(space);
  let looks = 0;
  space.all = (kind) => {
    if (kind === "volume") looks++;
    return all(kind);
  };
  await cloud.removeOrphans();
  assert.equal(
    looks,
    3,
    "what volumes were made of, which lists they name, and all that they name",
  );
  assert.deepEqual(
    [...space.all("snapshot-removal")].map(({ name }) => name),
    [names.get("two")],
  );
  assert.deepEqual(has("of one", "more of one", "of two", "more of two", "of three", "shared"), [
    false,
    false,
    true,
    false,
    false,
    false,
  ]);
  cloud.pass(2 * dayMs);
  await cloud.removeOrphans();
  assert.deepEqual(cloud.kept(), []);
  assert.equal(space.count("snapshot-removal"), 0);
});

test("an image's data waits for a volume that was made of it, and goes after that", async () => {
  const { space } = cloud;
  const image = await cloud.importDisk("one", ["a", "b"]);
  const volume = cloud.volume(snapshotsOf(image.spec.source)[0]!);
  cloud.images.deregister(image);
  removeOrphan(space, image.name);
  cloud.pass(2 * dayMs);
  await cloud.removeOrphans();
  assert.deepEqual(has("a", "b"), [true, true]);
  assert.equal(removalOf(image.name)!.waitsFor, `${volume.name} was made of it`);
  space.commit((tx) => tx.delete("volume", volume.name));
  await cloud.removeOrphans();
  assert.equal(space.get("image", image.name), undefined);
  assert.deepEqual(cloud.kept(), []);
});

test("while no blob of an image is old enough to go, nobody looks through all records for who names them", async () => {
  const one = await cloud.importDisk("one", ["new"]);
  const two = await cloud.importDisk("two", ["old"]);
  for (const image of [one, two]) cloud.images.deregister(image);
  const { space } = cloud;
  const archived = space.archived.bind(space);
  let looks = 0;
  space.archived = async (...asked) => {
    looks++;
    return archived(...asked);
  };
  removeOrphan(space, one.name);
  for (let hour = 0; hour < 3; hour++) await cloud.removeOrphans();
  assert.equal(looks, 0);
  assert.match(removalOf(one.name)!.waitsFor!, /put or asked for within 24 hours/);
  cloud.pass(2 * dayMs);
  await cloud.removeOrphans();
  assert.ok(looks > 0);
  assert.deepEqual(has("new", "old"), [false, true]);
});

test("neededSnapshots() reads what names snapshots once, and what has changed again", async (t) => {
  const { space } = cloud;
  const images = [await cloud.importDisk("one", ["a"]), await cloud.importDisk("two", ["b"])];
  const own = images.flatMap(({ spec }) => snapshotsOf(spec.source));
  const texts = t.mock.method(JSON, "stringify");
  const needed = () => neededSnapshots(space);
  assert.deepEqual(needed(), new Set(own));
  assert.equal(texts.mock.callCount(), 2);
  cloud.images.deregister(images[0]!);
  assert.deepEqual(needed(), new Set([own[1]]));
  assert.equal(texts.mock.callCount(), 2);
  space.commit((tx) => {
    const { spec, ...image } = tx.get("image", images[1]!.name)!;
    tx.put<"image">({ ...image, spec: { ...spec, description: "like snap-0123" } });
  });
  assert.deepEqual(needed(), new Set(["snap-0123", own[1]]));
  assert.equal(texts.mock.callCount(), 3);
});

test("what a stopped instance, a volume, a task, an ended one or a snapshot of somebody's own names stays", async () => {
  const { space } = cloud;
  const [booted, isRead, isMade] = [kernelText("booted"), kernelText("read"), kernelText("made")];
  const kernel = await cloud.importKernel("kernel", booted);
  const instance = cloud.launch(kernel);
  const disk = await cloud.importDisk("disk", ["of a volume"]);
  assert.ok(disk.spec.source.type === "disk");
  cloud.volume(disk.spec.source.disks[0]!.snapshot);
  const read = await cloud.importKernel("read", isRead);
  const made = await cloud.importKernel("made", isMade);
  space.commit((tx) => {
    tx.put<"task">(task("j1/0/0", { inputBlob: keyOf(isRead) }));
    const ended = tx.put<"task">(task("j1/0/1", {}));
    const outputs = { out: keyOf(isMade) };
    tx.archive<"task">({ ...ended, status: { ...ended.status, phase: "succeeded", outputs } });
  });
  const images = [kernel, disk, read, made];
  for (const image of images) cloud.images.deregister(image);
  assert.throws(() => removeOrphan(space, kernel.name), /named by something else/);
  for (const { image } of orphansOf(space, project)) removeOrphan(space, image.name);
  cloud.pass(2 * dayMs);
  await cloud.removeOrphans();
  assert.deepEqual(has(booted, "of a volume", isRead, isMade), [true, true, true, true]);
  space.commit((tx) => tx.delete("instance", instance.name));
  removeOrphan(space, kernel.name);
  await cloud.removeOrphans();
  assert.deepEqual(has(booted), [false]);
});

test("what a planned job or a launch template names stays", async () => {
  const { space } = cloud;
  const planned = kernelText("read by a planned job");
  const kernel = await cloud.importKernel("planned", planned);
  const disk = await cloud.importDisk("disk", ["of a template"]);
  assert.ok(disk.spec.source.type === "disk");
  const { snapshot } = disk.spec.source.disks[0]!;
  const request = await cloud.put(JSON.stringify({ module: keyOf(planned) }));
  const data = JSON.stringify({
    BlockDeviceMappings: [{ DeviceName: "sdf", Ebs: { SnapshotId: snapshot } }],
  });
  space.commit((tx) => {
    const spec = { request } as PlanRecord["spec"];
    tx.put<"plan">({ kind: "plan", project, name: "p1", spec, status: {} as PlanRecord["status"] });
    tx.put<"launch-template">({
      kind: "launch-template",
      project,
      name: "lt-1",
      spec: {
        title: "web",
        createdAt: 0,
        versions: [{ number: 1, createdAt: 0, description: "", data }],
        defaultVersion: 1,
        latestVersion: 1,
        tags: {},
      },
      status: {},
    });
  });
  for (const image of [kernel, disk]) cloud.images.deregister(image);
  assert.deepEqual(
    orphansOf(space, project).map(({ image }) => image.name),
    [kernel.name],
  );
  removeOrphan(space, kernel.name);
  cloud.pass(2 * dayMs);
  await cloud.removeOrphans();
  assert.deepEqual(has(planned), [true]);
});

test("a snapshot that somebody took by itself, and made an image of, is none of its orphaned data; one that is shared neither", async () => {
  const first = await cloud.importDisk("first", ["a"]);
  assert.ok(first.spec.source.type === "disk");
  const [disk] = first.spec.source.disks;
  const asked = { description: "", tags: {} };
  const own = cloud.volumes.snapshot(cloud.volume(disk!.snapshot), asked);
  cloud.space.commit((tx) =>
    tx.put<"snapshot">({ ...own, status: { state: "completed", progress: 100 } }),
  );
  const { architecture, kinds } = first.spec;
  const said = { title: "second", description: "", tags: {}, architecture, kinds };
  const disks = [{ ...disk!, snapshot: own.name }];
  cloud.images.deregister(cloud.images.register(project, { ...said, disks }));
  const shared = cloud.space.get("snapshot", disk!.snapshot)!;
  cloud.space.commit((tx) =>
    tx.put<"snapshot">({ ...shared, spec: { ...shared.spec, sharedWith: ["1"] } }),
  );
  cloud.images.deregister(first);
  assert.deepEqual(orphansOf(cloud.space, project), []);
});

test("it waits for a snapshot that is being taken, as that has chunks of the one before", async () => {
  const one = await cloud.importDisk("one", ["a"]);
  assert.ok(one.spec.source.type === "disk");
  const other = await cloud.importDisk("two", ["b"]);
  assert.ok(other.spec.source.type === "disk");
  const volume = cloud.volume(other.spec.source.disks[0]!.snapshot);
  const pending = cloud.volumes.snapshot(volume, { description: "", tags: {} });
  cloud.images.deregister(one);
  removeOrphan(cloud.space, one.name);
  cloud.pass(2 * dayMs);
  await cloud.removeOrphans();
  assert.equal(removalOf(one.name)!.waitsFor, `${pending.name} is being made`);
  cloud.space.commit((tx) => tx.delete("snapshot", pending.name));
  await cloud.removeOrphans();
  assert.deepEqual(has("a", "b"), [false, true]);
});

test("killed before, in and after the removal it goes on where it was", async () => {
  const contents = ["a", "b", "c"];
  const { name } = await cloud.importDisk("one", contents);
  cloud.images.deregister(cloud.images.findOwn(project, name));
  removeOrphan(cloud.space, name);
  cloud.pass(2 * dayMs);
  await cloud.space.durable();
  for (let kills = 0; cloud.space.get("image", name); kills++) {
    assert.ok(kills < 10, "it comes to an end");
    await cloud.start();
    cloud.removalsLeft = 1;
    await cloud.removeOrphans();
    await cloud.space.durable();
  }
  await cloud.start();
  assert.deepEqual(cloud.kept(), []);
  assert.equal(cloud.space.get("image", name), undefined);
});

function task(name: string, spec: Partial<TaskRecord["spec"]>): Draft<TaskRecord> {
  const status = { phase: "ready", attempts: 0, fence: 0 };
  return { kind: "task", project, name, spec, status } as unknown as Draft<TaskRecord>;
}
