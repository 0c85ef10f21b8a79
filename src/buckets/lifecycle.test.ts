import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import type { LifecycleRule } from "#/model/bucket-lifecycle.ts";
import type { BucketRecord, BucketSpec } from "#/model/bucket.ts";
import { startLifecycle } from "./lifecycle.ts";
import { openBuckets, until } from "./testing/opened.ts";

const rule = (more: Partial<LifecycleRule>): LifecycleRule => ({
  id: "one",
  isEnabled: true,
  filter: {},
  filterForm: "empty",
  ...more,
});

/** Lets the rules do what they will do now. */
async function passOver(
  t: TestContext,
  { parts }: Awaited<ReturnType<typeof openBuckets>>,
  { name }: BucketRecord,
): Promise<void> {
  const before = parts.buckets.get(name).status.lifecycle?.at ?? 0;
  const loop = startLifecycle(parts);
  t.after(() => loop.stop());
  await until("the pass is through", () => {
    loop.wake();
    return (parts.buckets.get(name).status.lifecycle?.at ?? 0) > before;
  });
  loop.stop();
}

test("what is old enough goes, and what a rule is not about stays", async (t) => {
  const opened = await openBuckets(t);
  const { parts, make, put, pass } = opened;
  const bucket = await make("pictures", {
    lifecycle: { rules: [rule({ filter: { prefix: "old/" }, expiration: { days: 1 } })] },
    notification: {
      rules: [
        {
          id: "told",
          to: { kind: "queue", arn: "arn:aws:sqs:us-east-1:111122223333:q" },
          events: ["s3:LifecycleExpiration:*"],
        },
      ],
    },
  });
  for (let index = 0; index < 30; index++) await put(bucket, `old/${index}`);
  await put(bucket, "new");
  const keys = async () =>
    (await parts.store.list(bucket.spec.id, { max: 1000 })).entries.map(({ key }) => key);
  await passOver(t, opened, bucket);
  assert.equal((await keys()).length, 31);
  pass(2);
  await put(bucket, "old/young");
  await passOver(t, opened, bucket);
  assert.deepEqual(await keys(), ["new", "old/young"]);
  const told = [...parts.space.all("notice")].map(({ spec }) => spec.body);
  assert.equal(told.length, 30);
  assert.match(told[0]!, /"eventName":"LifecycleExpiration:Delete"/);
});

test("with versions, the current one is hidden, replaced ones go, and then the marker that is alone", async (t) => {
  const opened = await openBuckets(t);
  const { parts, make, put, pass } = opened;
  const bucket = await make("pictures", {
    versioning: "enabled",
    lifecycle: {
      rules: [rule({ expiration: { days: 1 }, noncurrentExpiration: { days: 1, newerKept: 1 } })],
    },
  });
  for (const body of ["1", "2", "3"]) await put(bucket, "a", body);
  const versions = async () =>
    (await parts.store.listVersions(bucket.spec.id, { max: 1000 })).entries.map((one) =>
      "isDeleteMarker" in one ? "marker" : one.sizeBytes,
    );
  assert.equal((await versions()).length, 3);
  pass(2);
  await passOver(t, opened, bucket);
  // The newest of those that were replaced is kept, until another one is newer.
  assert.deepEqual(await versions(), ["marker", 1, 1]);
  pass(2);
  await passOver(t, opened, bucket);
  assert.deepEqual(await versions(), ["marker", 1]);
  await parts.buckets.change(bucket, (spec) => ({
    ...spec,
    lifecycle: {
      rules: [rule({ expiration: { markersAlone: true }, noncurrentExpiration: { days: 1 } })],
    },
  }));
  await passOver(t, opened, bucket);
  assert.deepEqual(await versions(), ["marker"]);
  pass(1);
  await passOver(t, opened, bucket);
  assert.deepEqual(await versions(), []);
});

test("what is locked stays, and an upload that nobody ended is given up", async (t) => {
  const opened = await openBuckets(t);
  const { parts, make, put, pass } = opened;
  const bucket = await make("pictures", {
    versioning: "enabled",
    objectLock: {},
    lifecycle: {
      rules: [rule({ noncurrentExpiration: { days: 1 }, abortUploadsDays: 1 })],
    },
  });
  await put(bucket, "a", "locked", { hasLegalHold: true });
  await put(bucket, "a", "newer");
  const place = { bucket: bucket.spec.id, key: "big" };
  await parts.store.beginUpload(place, { ownerId: "1", storageClass: "STANDARD" });
  pass(3);
  await passOver(t, opened, bucket);
  const { entries } = await parts.store.listVersions(bucket.spec.id, { max: 10 });
  assert.equal(entries.length, 2);
  const { uploads } = await parts.store.listUploads(bucket.spec.id, { max: 10 });
  assert.deepEqual(uploads, []);
});

test("objects move to another class", async (t) => {
  const opened = await openBuckets(t);
  const { parts, make, put, pass } = opened;
  const transitions = [{ when: { days: 1 }, storageClass: "GLACIER" }];
  const bucket = await make("pictures", {
    lifecycle: { rules: [rule({ transitions })] },
  });
  await put(bucket, "big", "x".repeat(200_000));
  await put(bucket, "small", "x");
  pass(3);
  await passOver(t, opened, bucket);
  const { entries } = await parts.store.list(bucket.spec.id, { max: 10 });
  assert.deepEqual(
    entries.map(({ key, storageClass }) => [key, storageClass]),
    [
      ["big", "GLACIER"],
      ["small", "STANDARD"],
    ],
  );
  const read = await parts.store.read({ bucket: bucket.spec.id, key: "big" }, entries[0]!, {});
  const pieces: Uint8Array[] = read instanceof Uint8Array ? [read] : await read.toArray();
  assert.equal(Buffer.concat(pieces).toString(), "x".repeat(200_000));
});

test("what fails of one bucket holds up no other, and is tried again later", async (t) => {
  const opened = await openBuckets(t);
  const { parts, make, put, pass } = opened;
  const spec: Partial<BucketSpec> = {
    lifecycle: {
      rules: [
        rule({
          filter: { sizeBytesAbove: 0 },
          transitions: [{ when: { days: 1 }, storageClass: "GLACIER" }],
        }),
      ],
    },
  };
  const broken = await make("broken", spec);
  const sound = await make("sound", spec);
  for (const bucket of [broken, sound]) for (const key of ["a", "b", "c"]) await put(bucket, key);
  pass(2);
  let isBroken = true;
  const store = new Proxy(parts.store, {
    get: (of, name) =>
      name === "transition"
        ? (...asked: Parameters<typeof of.transition>) => {
            const [{ bucket, key }] = asked;
            if (isBroken && bucket === broken.spec.id && key === "b")
              return Promise.reject(new Error("it is damaged"));
            return of.transition(...asked);
          }
        : (of[name as keyof typeof of] as () => void).bind(of),
  });
  const said: unknown[] = [];
  const log = { ...parts.log, error: (_: string, about?: object) => void said.push(about) };
  const classes = async ({ spec: { id } }: BucketRecord) =>
    (await store.list(id, { max: 9 })).entries.map(({ storageClass }) => storageClass).join(" ");
  const loop = startLifecycle({ ...parts, store, log });
  t.after(() => loop.stop());
  const isThrough = ({ name }: BucketRecord) =>
    parts.buckets.get(name).status.lifecycle !== undefined;
  const woken = (holds: () => boolean) => () => {
    loop.wake();
    return holds();
  };
  await until(
    "the other bucket is through",
    woken(() => isThrough(sound) && said.length > 0),
  );
  assert.equal(await classes(sound), "GLACIER GLACIER GLACIER");
  assert.equal(await classes(broken), "GLACIER STANDARD GLACIER");
  assert.equal(isThrough(broken), false);
  assert.deepEqual(said, [{ bucket: "broken", why: "1 times: it is damaged" }]);
  isBroken = false;
  pass(0.02);
  await until(
    "the broken one is mended",
    woken(() => isThrough(broken)),
  );
  assert.equal(await classes(broken), "GLACIER GLACIER GLACIER");
});
