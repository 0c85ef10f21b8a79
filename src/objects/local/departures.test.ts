import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, test } from "node:test";
import { sleep } from "#/base/clock.ts";
import { silent } from "#/base/log.ts";
import { nodeClock as clock } from "#/base/node/clock.ts";
import { nodeRandom as random } from "#/base/node/random.ts";
import { AwsError } from "#/model/aws-error.ts";
import { openLocalStore } from "./open.ts";

const folder = await mkdtemp(join(tmpdir(), "canopy-departures-"));
const onBroken = (thrown: unknown) => assert.fail(String(thrown));
const store = await openLocalStore({ folder, clock, random, report: silent, onBroken });
after(async () => {
  await store.close();
  await rm(folder, { recursive: true });
});

const options = { versioning: "off", ownerId: "1", storageClass: "STANDARD" } as const;
const isGone = (thrown: unknown) => thrown instanceof AwsError && thrown.awsCode === "NoSuchBucket";

/** Bytes that come when they are let. */
function held() {
  const { promise, resolve } = Promise.withResolvers<void>();
  async function* bytes() {
    yield Buffer.from("first");
    await promise;
    yield Buffer.from("last");
  }
  return { source: bytes(), letGo: resolve };
}

test("a write that was under way when its bucket went throws, and leaves nothing", async () => {
  const place = { bucket: "b1", key: "a" };
  const { source, letGo } = held();
  const putting = store.put(place, source, options);
  await store.removeBucket("b1");
  letGo();
  await assert.rejects(putting, isGone);
  assert.deepEqual(store.use("b1"), { objects: 0, bytes: 0 });
  assert.deepEqual((await store.list("b1", { max: 10 })).entries, []);
  await assert.rejects(store.beginUpload(place, options), isGone);
});

test("a bucket that could not be removed takes what comes", async () => {
  const place = { bucket: "b2", key: "a" };
  await store.put(place, Buffer.from("a"), options);
  const { source, letGo } = held();
  const putting = store.put({ ...place, key: "b" }, source, options);
  const isFull = (thrown: unknown) =>
    thrown instanceof AwsError && thrown.awsCode === "BucketNotEmpty";
  await assert.rejects(store.removeBucket("b2"), isFull);
  letGo();
  await putting;
  assert.equal(store.use("b2").objects, 2);
});

test("of writes and a removal at once, those that were made are there or the bucket is", async () => {
  for (let round = 0; round < 50; round++) {
    const bucket = `r${round}`;
    const puts = Array.from({ length: 5 }, (_, index) =>
      store.put({ bucket, key: String(index) }, Buffer.from("x"), options),
    );
    const removing = store.removeBucket(bucket);
    const [removed, ...done] = await Promise.allSettled([removing, ...puts]);
    const made = done.filter(({ status }) => status === "fulfilled").length;
    assert.equal(store.use(bucket).objects, made);
    assert.equal(removed.status, made > 0 ? "rejected" : "fulfilled");
  }
});

test("an upload that is begun while its bucket goes is gone with it, or refused", async () => {
  const place = { bucket: "b3", key: "a" };
  const beginning = store.beginUpload(place, options);
  await store.removeBucket("b3");
  const { uploadId } = await beginning;
  assert.equal(await store.findUpload(place, uploadId), undefined);
  assert.deepEqual((await store.listUploads("b3", { max: 10 })).uploads, []);
  const all = "SELECT count(*) AS count FROM uploads";
  const database = new DatabaseSync(join(folder, "index.sqlite"), { readOnly: true });
  await sleep(clock, 1200); // when what changed is committed
  assert.equal(database.prepare(all).get()?.["count"], 0);
  database.close();
});
