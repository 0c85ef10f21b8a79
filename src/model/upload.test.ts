import assert from "node:assert/strict";
import { test } from "node:test";
import { madeContent } from "./upload.ts";

test("madeContent() gives as many bytes as asked for, the same for the same name only", () => {
  const content = (name: string, size: number) => Buffer.concat([...madeContent(name, size)]);
  for (const size of [0, 1, 65_536, 200_000]) assert.equal(content("a", size).length, size);
  assert.deepEqual(content("a", 100_000), content("a", 100_000));
  assert.notDeepEqual(content("a", 100_000), content("b", 100_000));
});
