import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import type { LifecycleRule } from "#/model/bucket-lifecycle.ts";
import type { BucketRecord, BucketSpec } from "#/model/bucket.ts";
import type { ObjectStore } from "#/objects/object-store.ts";
import { startLifecycle } from "./lifecycle.ts";
import { openBuckets, until } from "./testing/opened.ts";

const listened = (rule: Partial<LifecycleRule>): Partial<BucketSpec> => ({
  lifecycle: { rules: [{ id: "one", isEnabled: true, filter: {}, filterForm: "empty", ...rule }] },
  notification: {
    rules: [
      {
        id: "told",
        to: { kind: "queue", arn: "arn:aws:sqs:us-east-1:111122223333:q" },
        events: ["s3:LifecycleExpiration:*", "s3:LifecycleTransition"],
      },
    ],
  },
});

type Opened = Awaited<ReturnType<typeof openBuckets>>;

/** A pass that ends where a process would be killed: before or after a change of the store, of which nobody is told any more. */
async function killed(
  t: TestContext,
  { parts }: Opened,
  { name }: BucketRecord,
  when: "before" | "after",
): Promise<void> {
  const never = new Promise<never>(() => undefined);
  let isThere = false;
  const dying =
    (name: "delete" | "transition") =>
    async (...asked: unknown[]) => {
      if (when === "after")
        await (parts.store[name] as (...given: unknown[]) => unknown).apply(parts.store, asked);
      isThere = true;
      return never;
    };
  const store = new Proxy(parts.store, {
    get: (of, name) =>
      name === "delete" || name === "transition"
        ? dying(name)
        : (of[name as keyof ObjectStore] as () => void).bind(of),
  });
  const loop = startLifecycle({ ...parts, store });
  t.after(() => loop.stop());
  await until("it comes to where it dies", () => isThere);
  loop.stop();
  assert.equal(parts.buckets.get(name).status.deeds?.length, 1);
}

/** What the next process tells, when its pass is through. */
async function toldNext(t: TestContext, { parts }: Opened, { name }: BucketRecord) {
  assert.deepEqual([...parts.space.all("notice")], []);
  const loop = startLifecycle(parts);
  t.after(() => loop.stop());
  await until("the pass is through", () => {
    loop.wake();
    const { lifecycle, deeds } = parts.buckets.get(name).status;
    return lifecycle !== undefined && deeds === undefined;
  });
  loop.stop();
  interface Told {
    Records: [{ eventName: string; s3: { object: { key: string; versionId?: string } } }];
  }
  return [...parts.space.all("notice")].map(({ spec }) => {
    const [{ eventName, s3 }] = (JSON.parse(spec.body) as Told).Records;
    return { name: eventName, ...s3.object };
  });
}

for (const when of ["before", "after"] as const) {
  test(`what is removed is told once when the process is killed ${when} it`, async (t) => {
    const opened = await openBuckets(t);
    const bucket = await opened.make("pictures", listened({ expiration: { days: 1 } }));
    await opened.put(bucket, "a");
    opened.pass(2);
    await killed(t, opened, bucket, when);
    const told = await toldNext(t, opened, bucket);
    assert.deepEqual(
      told.map(({ name, key }) => `${name} ${key}`),
      ["LifecycleExpiration:Delete a"],
    );
    const { entries } = await opened.parts.store.list(bucket.spec.id, { max: 10 });
    assert.deepEqual(entries, []);
  });

  test(`what is hidden is told once, by its marker, when the process is killed ${when} it`, async (t) => {
    const opened = await openBuckets(t);
    const rules = listened({ expiration: { days: 1 } });
    const bucket = await opened.make("pictures", { ...rules, versioning: "enabled" });
    await opened.put(bucket, "a");
    opened.pass(2);
    await killed(t, opened, bucket, when);
    const told = await toldNext(t, opened, bucket);
    const { entries } = await opened.parts.store.listVersions(bucket.spec.id, { max: 10 });
    assert.equal(entries.length, 2);
    assert.deepEqual(
      told.map(({ name, key, versionId }) => [name, key, versionId]),
      [["LifecycleExpiration:DeleteMarkerCreated", "a", entries[0]!.versionId]],
    );
  });

  test(`what was replaced and goes is told once when the process is killed ${when} it`, async (t) => {
    const opened = await openBuckets(t);
    const rules = listened({ noncurrentExpiration: { days: 1 } });
    const bucket = await opened.make("pictures", { ...rules, versioning: "enabled" });
    const { versionId } = await opened.put(bucket, "a");
    await opened.put(bucket, "a");
    opened.pass(2);
    await killed(t, opened, bucket, when);
    const told = await toldNext(t, opened, bucket);
    assert.deepEqual(
      told.map((one) => [one.name, one.versionId]),
      [["LifecycleExpiration:Delete", versionId]],
    );
  });

  test(`what moves is told once when the process is killed ${when} it`, async (t) => {
    const opened = await openBuckets(t);
    const transitions = [{ when: { days: 1 }, storageClass: "GLACIER" }];
    const bucket = await opened.make("pictures", listened({ transitions }));
    await opened.put(bucket, "a", "x".repeat(200_000));
    opened.pass(2);
    await killed(t, opened, bucket, when);
    const told = await toldNext(t, opened, bucket);
    assert.deepEqual(
      told.map(({ name, key }) => `${name} ${key}`),
      ["LifecycleTransition a"],
    );
  });
}

test("a version that a client's put has replaced is not told as hidden", async (t) => {
  const opened = await openBuckets(t);
  const rules = listened({ expiration: { days: 1 } });
  const bucket = await opened.make("pictures", { ...rules, versioning: "enabled" });
  await opened.put(bucket, "a");
  opened.pass(2);
  await killed(t, opened, bucket, "before");
  await opened.put(bucket, "a");
  assert.deepEqual(await toldNext(t, opened, bucket), []);
});

test("buckets of which nobody is told note nothing", async (t) => {
  const opened = await openBuckets(t);
  const { parts, make, put, pass } = opened;
  const { lifecycle } = listened({ expiration: { days: 1 } });
  const bucket = await make("pictures", { lifecycle: lifecycle! });
  await put(bucket, "a");
  pass(2);
  const { revision } = parts.buckets.get("pictures");
  assert.deepEqual(await toldNext(t, opened, bucket), []);
  assert.equal(parts.buckets.get("pictures").revision, revision + 1);
});
