import assert from "node:assert/strict";
import { test } from "node:test";
import { allDone } from "./all-done.ts";

test("allDone() gives what all have given, and rejects when none is under way any more", async () => {
  assert.deepEqual(await allDone(Promise.resolve(1), Promise.resolve("a")), [1, "a"]);
  const slow = Promise.withResolvers<void>();
  let hasEnded = false;
  const both = allDone(
    Promise.reject(new Error("the first")),
    slow.promise.then(() => (hasEnded = true)),
  );
  setImmediate(slow.resolve);
  await assert.rejects(both, /the first/);
  assert.ok(hasEnded);
});
