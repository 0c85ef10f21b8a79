import assert from "node:assert/strict";
import { test } from "node:test";
import { silent } from "#/base/log.ts";
import { nodeClock as clock } from "#/base/node/clock.ts";
import { nodeRandom as random } from "#/base/node/random.ts";
import { AwsError } from "#/model/aws-error.ts";
import { MemoryLog } from "#/space/logs/memory.ts";
import { Space } from "#/space/space.ts";
import { Buckets } from "./buckets.ts";
import { noStore } from "./no-store.ts";

async function open(log = new MemoryLog()) {
  const held = new Map<string, number>();
  let during = () => {};
  const store = {
    use: (id: string) => ({ objects: held.get(id) ?? 0, bytes: 0 }),
    removeBucket: (id: string) => {
      during();
      if (held.get(id)) return Promise.reject(new AwsError("BucketNotEmpty", 409, "not empty"));
      held.delete(id);
      return Promise.resolve();
    },
  };
  const onBroken = (thrown: unknown) => assert.fail(String(thrown));
  const space = await Space.open({ log, clock, report: silent, onBroken });
  const buckets = new Buckets({ space, store, clock, random });
  return { buckets, space, held, meanwhile: (action: () => void) => void (during = action) };
}

const asked = { project: "default", accountId: "111122223333", region: "us-east-1" };
const code = (awsCode: string) => (thrown: unknown) =>
  thrown instanceof AwsError && thrown.awsCode === awsCode;

test("create() makes a bucket that only its owner sees, and that is there after a restart", async () => {
  const log = new MemoryLog();
  const { buckets, space } = await open(log);
  const made = await buckets.create({ ...asked, name: "pictures" });
  assert.equal(made.spec.ownership, "BucketOwnerEnforced");
  assert.equal(made.spec.versioning, "off");
  assert.equal(Object.values(made.spec.publicAccessBlock!).every(Boolean), true);
  await space.close();
  const again = await open(log);
  assert.deepEqual(again.buckets.find("pictures"), made);
  assert.deepEqual(again.buckets.list("default"), [made]);
  assert.deepEqual(again.buckets.list("other"), []);
});

test("create() with object lock keeps versions", async () => {
  const { buckets } = await open();
  const { spec } = await buckets.create({ ...asked, name: "pictures", hasObjectLock: true });
  assert.deepEqual([spec.versioning, spec.objectLock], ["enabled", {}]);
});

test("create() tells one's own name from another's", async () => {
  const { buckets } = await open();
  await buckets.create({ ...asked, name: "pictures" });
  await assert.rejects(
    buckets.create({ ...asked, name: "pictures" }),
    code("BucketAlreadyOwnedByYou"),
  );
  await assert.rejects(
    buckets.create({ ...asked, project: "other", name: "pictures" }),
    code("BucketAlreadyExists"),
  );
  await assert.rejects(buckets.create({ ...asked, name: "Pictures" }), code("InvalidBucketName"));
});

test("change() changes what is there at that moment, and nothing when it throws", async () => {
  const { buckets } = await open();
  const made = await buckets.create({ ...asked, name: "pictures" });
  await Promise.all([
    buckets.change(made, (spec) => ({ ...spec, tags: { a: "1" } })),
    buckets.change(made, (spec) => ({ ...spec, quotaBytes: 7 })),
  ]);
  const { spec } = buckets.get("pictures");
  assert.deepEqual([spec.tags, spec.quotaBytes], [{ a: "1" }, 7]);
  const refuse = () => {
    throw new AwsError("InvalidBucketState", 409, "no");
  };
  await assert.rejects(buckets.change(made, refuse), code("InvalidBucketState"));
  await buckets.remove(made);
  await buckets.create({ ...asked, name: "pictures" });
  await assert.rejects(
    buckets.change(made, (one) => one),
    code("NoSuchBucket"),
  );
});

test("remove() lets nobody find the bucket from its beginning on", async () => {
  const { buckets, space, meanwhile } = await open();
  const made = await buckets.create({ ...asked, name: "pictures" });
  let seen: unknown = "nothing";
  meanwhile(() => (seen = buckets.find("pictures")));
  await buckets.remove(made);
  assert.equal(seen, undefined);
  assert.equal(space.get("bucket", "pictures"), undefined);
  assert.throws(() => buckets.get("pictures"), code("NoSuchBucket"));
  const { spec } = await buckets.create({ ...asked, project: "other", name: "pictures" });
  assert.deepEqual(buckets.list("default"), []);
  assert.equal(buckets.get("pictures").spec.id, spec.id);
});

test("remove() gives a bucket back into which something came at the last moment", async () => {
  const { buckets, held, meanwhile } = await open();
  const made = await buckets.create({ ...asked, name: "pictures" });
  const { spec } = made;
  held.set(spec.id, 1);
  await assert.rejects(buckets.remove(made), code("BucketNotEmpty"));
  held.clear();
  meanwhile(() => held.set(spec.id, 1));
  await assert.rejects(buckets.remove(made), code("BucketNotEmpty"));
  assert.equal(buckets.get("pictures").spec.id, spec.id);
});

test("finishRemoving() goes on with what a crash has ended", async () => {
  const { buckets, space } = await open();
  const record = await buckets.create({ ...asked, name: "pictures" });
  await buckets.note(record, (status) => ({ ...status, isDeleting: true }));
  assert.equal(buckets.find("pictures"), undefined);
  assert.deepEqual(buckets.list("default"), []);
  await buckets.finishRemoving(space.get("bucket", "pictures")!);
  assert.equal(space.get("bucket", "pictures"), undefined);
});

test("list() gives buckets by name", async () => {
  const { buckets } = await open();
  for (const name of ["b10", "b1.", "b1-"].map((start) => `${start}x`))
    await buckets.create({ ...asked, name });
  assert.deepEqual(
    buckets.list("default").map(({ name }) => name),
    ["b1-x", "b1.x", "b10x"],
  );
});

test("create() makes no bucket where objects are not kept, and says so in a way that nobody tries again", async () => {
  const onBroken = (thrown: unknown) => assert.fail(String(thrown));
  const space = await Space.open({ log: new MemoryLog(), clock, report: silent, onBroken });
  const buckets = new Buckets({ space, store: noStore, clock, random });
  await assert.rejects(buckets.create({ ...asked, name: "pictures" }), code("NotImplemented"));
  assert.equal(buckets.find("pictures"), undefined);
  await space.close();
});
