import assert from "node:assert/strict";
import { test } from "node:test";
import { finishRemovals } from "./finish-removals.ts";
import { openBuckets } from "./testing/opened.ts";

test("finishRemovals() removes what is empty, and gives back what holds something", async (t) => {
  const { parts, make, put } = await openBuckets(t);
  const { buckets, space } = parts;
  const [empty, full, other] = [await make("empty"), await make("full"), await make("other")];
  await put(full, "a");
  for (const bucket of [empty, full])
    await buckets.note(bucket, (status) => ({ ...status, isDeleting: true }));
  assert.deepEqual(
    buckets.list("default").map(({ name }) => name),
    ["other"],
  );
  await finishRemovals(parts);
  assert.equal(space.get("bucket", "empty"), undefined);
  assert.deepEqual(
    buckets.list("default").map(({ name }) => name),
    ["full", "other"],
  );
  assert.deepEqual(buckets.get("other"), other);
});
