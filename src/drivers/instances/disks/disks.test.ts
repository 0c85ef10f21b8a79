import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, describe, test } from "node:test";
import { nodeClock } from "#/base/node/clock.ts";
import { nodeFiles } from "#/base/node/files.ts";
import { nodeProcesses } from "#/base/node/processes.ts";
import { nodeSockets } from "#/base/node/sockets.ts";
import { openDiskFile } from "#/base/nbd/disk-file.ts";
import type { VolumeSnapshotOrder, VolumeOrder } from "#/model/hosting.ts";
import type { DiskManifest } from "#/model/volume.ts";
import type { Disks } from "../../instance-driver.ts";
import { openDisks } from "./disks.ts";
import { FolderBlobs } from "./testing/folder-blobs.ts";

const MiB = 2 ** 20;
const silent = { info() {}, warn() {}, error() {}, debug() {} };
const key = Buffer.alloc(32, 7).toString("base64");

describe("disks", () => {
  let folder: string;
  let blobs: FolderBlobs;
  let disks: Disks;
  let count = 0;

  const open = (agent = "agent", storages: Record<string, string> = {}) =>
    openDisks({
      clock: nodeClock,
      files: nodeFiles,
      processes: nodeProcesses,
      sockets: nodeSockets,
      log: silent as never,
      folder: join(folder, agent),
      storages,
      blobs,
      mark: `test-${process.pid}-${agent}`,
    });
  const volume = (more: Partial<VolumeOrder> = {}): VolumeOrder => ({
    volume: `vol-${(++count).toString(16).padStart(17, "0")}`,
    project: "p",
    sizeBytes: 64 * MiB,
    iops: 0,
    bytesPerSecond: 0,
    ...more,
  });
  const snapshot = (
    of: VolumeOrder,
    more: Partial<VolumeSnapshotOrder> = {},
  ): VolumeSnapshotOrder => ({
    snapshot: `snap-${(++count).toString(16).padStart(17, "0")}`,
    project: "p",
    volume: of.volume,
    isConsistent: true,
    ...(of.key !== undefined && { key: of.key }),
    ...more,
  });
  /** By QEMU's own tool: what is written and read does not go by our client. */
  const io = (path: string, commands: string | string[], secret = key) => {
    const image = `driver=qcow2,file.filename=${path}`;
    const isSealed = qemuInfo(path).encrypted === true;
    return execFileSync("qemu-io", [
      ...(isSealed ? [`--object=secret,id=k,data=${secret}`] : []),
      ...[commands].flat().flatMap((command) => ["-c", command]),
      "--image-opts",
      isSealed ? `${image},encrypt.key-secret=k` : image,
    ]).toString();
  };
  const qemuInfo = (path: string) =>
    JSON.parse(execFileSync("qemu-img", ["info", "--output=json", path]).toString()) as {
      "virtual-size": number;
      "backing-filename"?: string;
      encrypted?: boolean;
    };
  const holds = (path: string, pattern: number, at: number, length: number) =>
    assert.doesNotMatch(io(path, `read -P ${pattern} ${at} ${length}`), /verification failed/);
  const manifestOf = async (name: string) =>
    JSON.parse(await readFile(blobs.pathOf("p", name), "utf8")) as DiskManifest;
  const keep = (order: VolumeSnapshotOrder, path: string) => disks.keep(order, { path }, () => {});

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "canopy-disks-"));
  });
  beforeEach(async () => {
    blobs = new FolderBlobs(join(folder, `blobs-${++count}`));
    disks = await open();
  });
  after(() => rm(folder, { recursive: true, force: true }));

  test("prepare() makes an empty volume, and grows it, and can be asked again", async () => {
    const order = volume();
    const { path } = await disks.prepare(order);
    assert.deepEqual(await disks.prepare(order), { path, sizeBytes: 64 * MiB });
    assert.deepEqual(await disks.prepare({ ...order, sizeBytes: 96 * MiB }), {
      path,
      sizeBytes: 96 * MiB,
    });
    assert.equal(qemuInfo(path)["virtual-size"], 96 * MiB);
    assert.ok((await disks.list()).some((one) => one.volume === order.volume));
    await disks.remove(order.volume, undefined);
    await disks.remove(order.volume, undefined);
    assert.ok(!(await disks.list()).some((one) => one.volume === order.volume));
  });

  test("keep() keeps what was written, skips zeros, and keeps equal chunks once", async () => {
    const order = volume();
    const { path } = await disks.prepare(order);
    io(path, ["write -P 5 0 4M", "write -P 5 20M 4M", "write -P 6 63M 1M", "write -z 30M 4M"]);
    const told: number[] = [];
    const kept = await disks.keep(snapshot(order), { path }, (percent) => told.push(percent));
    const manifest = await manifestOf(kept.manifest);
    assert.deepEqual(
      manifest.chunks.map((chunk) => chunk !== null),
      Array.from({ length: 16 }, (_, number) => [0, 5, 15].includes(number)),
    );
    assert.equal(manifest.chunks[0], manifest.chunks[5]);
    assert.equal(blobs.stored.length, 3, "two chunks and the list of them");
    assert.equal(told.at(-1), 100);
    assert.deepEqual(
      told,
      told.toSorted((a, b) => a - b),
    );
  });

  test("keep() reads what a file stands on where that is told, and not where it names another", async () => {
    const order = volume();
    const { path } = await disks.prepare(order);
    io(path, ["write -P 5 0 4M", "write -z 4M 4M"]);
    const below = join(folder, "below.raw");
    await writeFile(below, Buffer.alloc(32 * MiB, 7));
    const kept = await disks.keep(snapshot(order), { path, below }, () => {});
    const again = volume({ manifest: kept.manifest });
    const copy = await disks.prepare(again);
    holds(copy.path, 5, 0, 4 * MiB);
    holds(copy.path, 0, 4 * MiB, 4 * MiB);
    holds(copy.path, 7, 8 * MiB, 24 * MiB);
    holds(copy.path, 0, 32 * MiB, 32 * MiB);
    const onBoth = disks.keep(snapshot(again), { path: copy.path, below }, () => {});
    await assert.rejects(onBoth, /stands on another file already/);
    await disks.remove(again.volume, undefined);
  });

  test("a volume of a snapshot holds what that held; both stand on one base, which goes with the last", async () => {
    const first = volume();
    const { path } = await disks.prepare(first);
    io(path, "write -P 9 8M 6M");
    const { manifest } = await keep(snapshot(first), path);
    const one = volume({ manifest, sizeBytes: 80 * MiB });
    const two = volume({ manifest });
    const [a, b] = await Promise.all([disks.prepare(one), disks.prepare(two)]);
    holds(a.path, 9, 8 * MiB, 6 * MiB);
    holds(a.path, 0, 60 * MiB, 20 * MiB);
    assert.equal(a.below, b.below);
    assert.equal(blobs.fetched.length, 4, "the list twice, and two chunks");
    io(a.path, "write -P 1 8M 1M");
    holds(b.path, 9, 8 * MiB, 1 * MiB);
    await disks.remove(one.volume, undefined);
    assert.ok(await stat(b.below!));
    await disks.remove(two.volume, undefined);
    await assert.rejects(stat(b.below!), { code: "ENOENT" });
  });

  test("a second snapshot keeps only what has changed", async () => {
    const order = volume();
    const { path } = await disks.prepare(order);
    io(path, fill(16));
    const first = await keep(snapshot(order), path);
    io(path, "write -P 200 9M 64k");
    blobs.stored = [];
    const second = await keep(snapshot(order, { after: first.manifest }), path);
    assert.equal(blobs.stored.length, 2, "one chunk, and the list");
    assert.ok(second.newBytes < first.newBytes / 8);
    const again = await keep(snapshot(order, { after: second.manifest }), path);
    assert.deepEqual(again, { manifest: second.manifest, newBytes: 0 });
  });

  test("an encrypted volume is nowhere in the clear: not in its file, not in chunks, not in a base", async () => {
    const secret = "what nobody else may read, over and over again ";
    const order = volume({ key });
    const { path, below } = await disks.prepare(order);
    assert.equal(below, undefined);
    assert.equal(qemuInfo(path).encrypted, true);
    const text = join(folder, "text");
    await writeFile(text, secret.repeat(50_000).slice(0, 2 * MiB));
    io(path, `write -s ${text} 12M 2M`);
    const first = await keep(snapshot(order), path);
    const again = await keep(snapshot(order, { after: first.manifest }), path);
    assert.equal(again.newBytes, 0, "equal chunks under one key are equal");
    const copy = volume({
      manifest: first.manifest,
      manifestKey: key,
      key: Buffer.alloc(32, 8).toString("base64"),
    });
    const copied = await disks.prepare(copy);
    const otherKey = copy.key!;
    const read = join(folder, "read");
    io(copied.path, `read -P 0 0 12M`, otherKey);
    const disk = `driver=qcow2,file.filename=${copied.path},encrypt.key-secret=k`;
    const object = `--object=secret,id=k,data=${otherKey}`;
    execFileSync("qemu-img", ["convert", object, "--image-opts", disk, "-O", "raw", read]);
    const content = await readFile(read);
    assert.ok(content.subarray(12 * MiB, 14 * MiB).equals(await readFile(text)));
    for (const file of [path, copied.path])
      assert.ok(!(await readFile(file)).includes(secret.slice(0, 20)));
    const names = (await manifestOf(first.manifest)).chunks.filter((one) => one !== null);
    for (const chunk of names) {
      const blob = await readFile(blobs.pathOf("p", chunk));
      assert.notEqual(blob.readUInt32LE(0), 0xfd2fb528, "no zstd that anyone could open");
    }
    await assert.rejects(disks.prepare(volume({ manifest: first.manifest, manifestKey: key })), {
      reasonCode: "Client.InvalidSnapshot.NotFound",
    });
    assert.deepEqual(await readdir(join(folder, "agent", "bases")), []);
    assert.deepEqual(await readdir(join(folder, "agent", "disk-work")), [], "and no key is left");
  });

  test("a damaged chunk, and one that is gone, are told by EC2's code, and leave nothing", async () => {
    const order = volume();
    const { path } = await disks.prepare(order);
    io(path, "write -P 3 0 1M");
    const { manifest } = await keep(snapshot(order), path);
    const [chunk] = (await manifestOf(manifest)).chunks;
    const where = blobs.pathOf("p", chunk!);
    const whole = await readFile(where);
    const fails = async () => {
      const failing = volume({ manifest });
      await assert.rejects(disks.prepare(failing), {
        reasonCode: "Client.InvalidSnapshot.NotFound",
        message: new RegExp(`Cannot make the volume ${failing.volume}: .*${chunk!.slice(0, 20)}`),
      });
    };
    await writeFile(where, flipped(whole));
    await fails();
    await rm(where);
    await fails();
    await writeFile(
      blobs.pathOf("p", manifest),
      '{"sizeBytes":4194304,"chunkBytes":4194304,"chunks":["../x"]}',
    );
    await assert.rejects(disks.prepare(volume({ manifest })), /they are no chunks|no chunks/);
    await disks.remove(order.volume, undefined);
    assert.deepEqual(await readdir(join(folder, "agent", "bases")), []);
    assert.deepEqual((await readdir(join(folder, "agent", "volumes"))).filter(isHalfMade), []);
  });

  test("a disk that is full in the middle of a copy leaves nothing", async (t) => {
    const small = join(folder, "small");
    execFileSync("mkdir", [small]);
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=8M", "tmpfs", small]);
    t.after(() => execFileSync("umount", ["-l", small]));
    const order = volume();
    const { path } = await disks.prepare(order);
    io(path, fill(4));
    const { manifest } = await keep(snapshot(order), path);
    const poor = await open("agent", { shelf: small });
    await assert.rejects(poor.prepare(volume({ manifest, storage: "shelf" })), {
      reasonCode: "Server.InsufficientVolumeCapacity",
    });
    assert.deepEqual(await readdir(join(small, "volumes")), []);
    assert.deepEqual(await readdir(join(small, "bases")), []);
  });

  test("a volume on shared storage is found by another machine, which cannot open it while one has it open", async () => {
    const shelf = join(folder, "shelf");
    const one = await open("one", { shelf });
    const two = await open("two", { shelf });
    const order = volume({ storage: "shelf" });
    const { path } = await one.prepare(order);
    assert.deepEqual(await two.list(), [{ volume: order.volume, storage: "shelf" }]);
    const own = { clock: nodeClock, files: nodeFiles, processes: nodeProcesses };
    const parts = { ...own, sockets: nodeSockets, folder };
    const env = { PATH: process.env["PATH"]! };
    const file = { path, format: "qcow2" as const };
    const held = await openDiskFile({ ...parts, env }, file, { isReadOnly: false });
    await assert.rejects(openDiskFile({ ...parts, env }, file, { isReadOnly: false }), {
      code: "conflict",
    });
    assert.deepEqual(await two.prepare({ ...order, sizeBytes: 128 * MiB }), {
      path,
      sizeBytes: 64 * MiB,
    });
    await held.close();
    assert.equal((await two.prepare({ ...order, sizeBytes: 128 * MiB })).sizeBytes, 128 * MiB);
    await assert.rejects(one.prepare({ ...order, storage: "elsewhere" }), /has no storage/);
  });

  test("a volume that names other files than a base is not opened", async () => {
    const order = volume();
    const { path } = await disks.prepare(order);
    const stolen = join(folder, "stolen.raw");
    await writeFile(stolen, Buffer.alloc(MiB, 1));
    execFileSync("qemu-img", ["rebase", "-u", "-b", stolen, "-F", "raw", path]);
    await assert.rejects(disks.prepare(order), /names files that are not its own/);
    await assert.rejects(keep(snapshot(order), path), /names files that are not its own/);
  });

  test("what was being made when the agent was killed is removed by its next life, and its programs end", async () => {
    const order = volume();
    await disks.prepare(order);
    const agent = join(folder, "agent");
    await writeFile(join(agent, "volumes", `x.test-${process.pid}-agent.9.making`), "half");
    const left = spawn("sleep", ["100"], {
      env: { ...process.env, CANOPY_AGENT: `test-${process.pid}-agent-disks` },
    });
    const ended = once(left, "exit");
    disks = await open();
    await ended;
    assert.deepEqual((await readdir(join(agent, "volumes"))).filter(isHalfMade), []);
    assert.ok((await disks.list()).some((one) => one.volume === order.volume));
  });
});

/** Writes so many chunks, all different. */
const fill = (chunks: number) =>
  Array.from({ length: chunks }, (_, at) => `write -P ${at + 1} ${at * 4}M 4M`);

const isHalfMade = (name: string) => name.endsWith(".making");

function flipped(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  copy[9]! ^= 1;
  return copy;
}
