import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { sleep } from "#/base/clock.ts";
import { silent } from "#/base/log.ts";
import { nodeClock as clock } from "#/base/node/clock.ts";
import { nodeRandom as random } from "#/base/node/random.ts";
import type { ObjectVersion } from "../object-version.ts";
import { openLocalStore } from "./open.ts";
import type { LocalStore } from "./store.ts";

const options = { versioning: "off", ownerId: "1", storageClass: "STANDARD" } as const;
const place = { bucket: "b", key: "k" };
const partBytes = 5 * 1024 * 1024;

async function open(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), "canopy-readers-"));
  const onBroken = (thrown: unknown) => assert.fail(String(thrown));
  const said: string[] = [];
  const report = { ...silent, error: (message: string) => void said.push(message) };
  const store = await openLocalStore({ folder, clock, random, report, onBroken, packBytesMax: 1 });
  t.after(async () => {
    await store.close();
    rmSync(folder, { recursive: true });
  });
  const files = () => readdirSync(join(folder, "files", "0")).length;
  return { store, said, files };
}

/** Parts of two files, and a last one that is in a pack. */
async function putInParts(store: LocalStore): Promise<void> {
  const { uploadId } = await store.beginUpload(place, options);
  const parts: { number: number; etag: string }[] = [];
  for (const [number, size] of [
    [1, partBytes],
    [2, partBytes],
    [3, 1000],
  ] as const) {
    const { etag } = await store.putPart(place, uploadId, number, Buffer.alloc(size, number), {});
    parts.push({ number, etag });
  }
  await store.completeUpload(place, uploadId, parts, options);
}

const ways: Record<string, (store: LocalStore) => Promise<unknown>> = {
  overwritten: (store) => store.put(place, Buffer.from("new"), options),
  deleted: (store) => store.delete(place, options),
};

for (const [name, change] of Object.entries(ways)) {
  test(`an object in parts that is ${name} while it is read is read to its end, and then it goes`, async (t) => {
    const { store, said, files } = await open(t);
    await putInParts(store);
    const pieces = await store.lend(place, store.find(place) as ObjectVersion, {});
    const counts = [0, 0, 0, 0];
    let isChanged = false;
    for await (const piece of pieces as AsyncIterable<Uint8Array>) {
      counts[piece[0]!]! += piece.byteLength;
      if (isChanged) continue;
      await change(store);
      await store.compact({ shareMin: 1 });
      await sleep(clock, 50); // what is to go goes by itself
      isChanged = true;
    }
    assert.deepEqual(counts, [0, partBytes, partBytes, 1000]);
    assert.deepEqual(said, []);
    for (let tries = 0; files() > 0; tries++) {
      assert.ok(tries < 500, `${files()} files are left`);
      await sleep(clock, 20);
    }
  });
}

test("an object in parts that went before it was read is not there, and never a shorter one", async (t) => {
  const { store, said } = await open(t);
  await putInParts(store);
  const version = store.find(place) as ObjectVersion;
  await store.delete(place, options);
  await assert.rejects(store.lend(place, version, {}), { awsCode: "NoSuchKey" });
  await assert.rejects(store.read(place, version, { range: { start: 1, end: 2 } }), {
    awsCode: "NoSuchKey",
  });
  assert.deepEqual(said, []);
});

test("what is given up before its end is let go", async (t) => {
  const { store, files } = await open(t);
  await putInParts(store);
  const version = store.find(place) as ObjectVersion;
  const given = (await store.lend(place, version, {})) as AsyncIterable<Uint8Array>;
  await given[Symbol.asyncIterator]().return?.();
  for await (const _ of (await store.lend(place, version, {})) as AsyncIterable<Uint8Array>) break;
  await store.delete(place, options);
  for (let tries = 0; files() > 0; tries++) {
    assert.ok(tries < 500, `${files()} files are left`);
    await sleep(clock, 20);
  }
});

test("an object that was replaced before it was read is to be asked for again, and is not missing", async (t) => {
  const { store } = await open(t);
  await putInParts(store);
  const version = store.find(place) as ObjectVersion;
  await store.put(place, Buffer.from("new"), options);
  await assert.rejects(store.lend(place, version, {}), { awsCode: "ServiceUnavailable" });
});

test("an object whose version went before it was read is not missing while its key has another", async (t) => {
  const { store } = await open(t);
  await putInParts(store);
  const version = store.find(place) as ObjectVersion;
  const enabled = { ...options, versioning: "enabled" } as const;
  const { version: next } = await store.put(place, Buffer.from("new"), enabled);
  await store.delete(place, { ...enabled, versionId: "null" });
  await assert.rejects(store.lend(place, version, {}), { awsCode: "ServiceUnavailable" });
  await store.delete(place, { ...enabled, versionId: next.versionId });
  await assert.rejects(store.lend(place, version, {}), { awsCode: "NoSuchKey" });
});
