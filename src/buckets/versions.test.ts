import assert from "node:assert/strict";
import { test } from "node:test";
import { openBuckets } from "./testing/opened.ts";
import { nextVersions, type Placed, type Walk } from "./versions.ts";

test("nextVersions() places each version the same, however long its pages are", async (t) => {
  const { parts, make, put } = await openBuckets(t);
  const bucket = await make("pictures", { versioning: "enabled" });
  const { id, versioning, accountId: ownerId } = bucket.spec;
  for (const key of ["a", "a", "a", "b", "c", "c"]) await put(bucket, key);
  await parts.store.delete({ bucket: id, key: "b" }, { versioning, ownerId });
  await parts.store.delete({ bucket: id, key: "d" }, { versioning, ownerId });
  const walked = async (max: number): Promise<Placed[]> => {
    const all: Placed[] = [];
    for (let walk: Walk | undefined = {}; walk;) {
      const page: Awaited<ReturnType<typeof nextVersions>> = await nextVersions(
        parts.store,
        id,
        walk,
        max,
      );
      all.push(...page.placed);
      walk = page.next;
    }
    return all;
  };
  const whole = await walked(1000);
  assert.deepEqual(
    whole.map(({ version, noncurrent, isAlone }) => [version.key, noncurrent?.newer, isAlone]),
    [
      ["a", undefined, false],
      ["a", 0, false],
      ["a", 1, false],
      ["b", undefined, false],
      ["b", 0, false],
      ["c", undefined, false],
      ["c", 0, false],
      ["d", undefined, true],
    ],
  );
  for (const max of [1, 2, 3, 5]) assert.deepEqual(await walked(max), whole);
});
