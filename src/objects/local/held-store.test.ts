import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { test, type TestContext } from "node:test";
import { sleep } from "#/base/clock.ts";
import { silent } from "#/base/log.ts";
import { nodeClock as clock } from "#/base/node/clock.ts";
import { nodeFiles } from "#/base/node/files.ts";
import { nodeRandom as random } from "#/base/node/random.ts";
import type { HeldObjects } from "../held-objects.ts";
import type { ObjectVersion } from "../object-version.ts";
import { examineStore } from "./examine.ts";
import { makeStore } from "./made-store.ts";
import { openLocalStore } from "./open.ts";
import type { LocalStore } from "./store.ts";

const options = { ownerId: "123456789012", storageClass: "STANDARD" } as const;
const off = { ...options, versioning: "off" } as const;
const enabled = { ...options, versioning: "enabled" } as const;
const sizes = [0, 40, 4096, 131_073, 400_000];
const at = (key: string) => ({ bucket: "b", key });
const contentOf = (key: string, round: number) =>
  Buffer.alloc(sizes[(key.length + key.charCodeAt(1) + round) % sizes.length]!, `${key} ${round};`);

function folderFor(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "canopy-held-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function open(folder: string): Promise<LocalStore> {
  const onBroken = (thrown: unknown) => {
    throw thrown;
  };
  return openLocalStore({ folder, clock, random, report: silent, packBytesMax: 200_000, onBroken });
}

/** What there is, by key and version. */
async function everything(store: LocalStore): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  const { entries } = await store.listVersions("b", { max: 100_000 });
  for (const entry of entries) {
    const name = `${entry.key} ${entry.versionId}`;
    if ("etag" in entry) {
      const read = await store.read(at(entry.key), entry, {});
      const content = read instanceof Uint8Array ? Buffer.from(read) : await buffer(read);
      found.set(name, `${JSON.stringify(entry)} ${content.toString("latin1")}`);
    } else found.set(name, JSON.stringify(entry));
  }
  const { uploads } = await store.listUploads("b", { max: 1000 });
  for (const upload of uploads) {
    const { parts } = await store.listParts(at(upload.key), upload.uploadId, { max: 1000 });
    found.set(upload.uploadId, JSON.stringify([upload, parts]));
  }
  return found;
}

/** What is needed of a store is read while it goes on; then another is made of it. */
async function makeAgain(held: HeldObjects, folder: string, isElsewhere = false) {
  const made = makeStore({ files: nodeFiles, folder, clock, report: silent });
  for await (const { name, found } of held.files()) {
    assert.ok(found, `${name} is gone`);
    const content = await Array.fromAsync(found.content);
    assert.equal(Buffer.concat(content).byteLength, found.sizeBytes);
    await made.add(
      name,
      (async function* () {
        yield* content;
      })(),
    );
  }
  held.release();
  return await made.finish({ isElsewhere });
}

test("hold() gives the store as it was at that moment, whatever is written, removed and compacted until all is read", async (t) => {
  const folder = folderFor(t);
  const store = await open(folder);
  const keys = Array.from({ length: 12 }, (_, index) => `k${index}`);
  for (let round = 0; round < 3; round++)
    for (const key of keys)
      await store.put(at(key), contentOf(key, round), key < "k3" ? enabled : off);
  await store.delete(at("k10"), enabled);
  await store.delete(at("k11"), off);
  const { uploadId } = await store.beginUpload(at("up"), off);
  const { etag } = await store.putPart(at("up"), uploadId, 1, Buffer.alloc(5_242_880, "one"), {});
  await store.putPart(at("up"), uploadId, 2, Buffer.from("two"), {});
  for (let turn = 0; turn < 3; turn++) {
    const before = await everything(store);
    const held = store.hold();
    assert.equal(held.bytes, store.use("b").bytes);
    // All that was large goes, and all that was moved.
    for (const key of keys) await store.put(at(key), contentOf(key, 10 + turn), off);
    for (const key of keys.slice(0, 6)) await store.delete(at(key), off);
    await store.compact({ shareMin: 1 });
    await sleep(clock, 50);
    const again = folderFor(t);
    const made = await makeAgain(held, again);
    assert.deepEqual(made, { objects: held.objects, bytes: held.bytes });
    const examined = await examineStore(again);
    assert.deepEqual(examined, { ...made, damaged: [], elsewhere: 0 });
    const other = await open(again);
    assert.deepEqual(await everything(other), before);
    if (turn === 0) {
      const done = await other.completeUpload(at("up"), uploadId, [{ number: 1, etag }], off);
      assert.equal(done.version.sizeBytes, 5_242_880);
      assert.ok(other.find(at("up")));
    }
    await other.close();
  }
  await store.close();
});

test("what was removed while the store was held goes when it is let go, and packs can be compacted again", async (t) => {
  const folder = folderFor(t);
  const store = await open(folder);
  for (const key of ["large", "small", "more"])
    await store.put(at(key), Buffer.alloc(key === "large" ? 400_000 : 90_000, key), off);
  const count = (of: string) =>
    readdirSync(join(folder, of), { recursive: true, withFileTypes: true }).filter((one) =>
      one.isFile(),
    ).length;
  const first = store.hold();
  const second = store.hold();
  for (const key of ["large", "small", "more"]) await store.delete(at(key), off);
  for (let round = 0; round < 3; round++)
    await store.put(at("other"), Buffer.alloc(100_000, "other"), off);
  first.release();
  first.release();
  await store.compact({ shareMin: 1 });
  await sleep(clock, 50);
  assert.ok(existsSync(join(folder, "packs", "0000000001.pack")));
  assert.equal(count("files"), 1);
  second.release();
  await store.compact({ shareMin: 1 });
  assert.ok(!existsSync(join(folder, "packs", "0000000001.pack")));
  for (let tries = 0; count("files") > 0; tries++) {
    assert.ok(tries < 500, "the large file is left");
    await sleep(clock, 20);
  }
  await store.close();
});

test("a store that was made again gives numbers that the old one never gave", async (t) => {
  const store = await open(folderFor(t));
  await store.put(at("k"), Buffer.from("1"), enabled);
  const again = folderFor(t);
  await makeAgain(store.hold(), again);
  const other = await open(again);
  for (let round = 0; round < 3; round++) {
    const one = await store.put(at("k"), Buffer.from("2"), enabled);
    const two = await other.put(at("k"), Buffer.from("2"), enabled);
    assert.ok(two.version.versionId > one.version.versionId);
    assert.notEqual(
      two.version.versionId.slice(0, 11),
      one.version.versionId.slice(0, 11),
      "numbers",
    );
  }
  assert.equal((other.find(at("k")) as ObjectVersion).isLatest, true);
  await Promise.all([store.close(), other.close()]);
});

test("makeStore() takes no name that leads elsewhere", async (t) => {
  const made = makeStore({ files: nodeFiles, folder: folderFor(t), clock, report: silent });
  const none = async function* () {};
  for (const name of ["../x", "packs/../../x.pack", "files/0/../x", "index.sqlite", "packs/1.pack"])
    await assert.rejects(made.add(name, none()), { code: "damaged" }, name);
});
