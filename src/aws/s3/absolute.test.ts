import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startS3 } from "./testing/s3-door.ts";

let s3: Awaited<ReturnType<typeof startS3>>;
before(async () => {
  s3 = await startS3("absolute");
});
after(() => s3.stop());

test("a first line with the whole address is what was signed from the path on", async () => {
  const put = { method: "PUT", path: "/absolute/a%20key", body: "x", isAbsolute: true };
  const { status, code } = await s3.raw(put);
  assert.deepEqual([status, code], [200, undefined]);
  const got = await s3.raw({
    method: "GET",
    path: put.path,
    query: { tagging: "" },
    isAbsolute: true,
  });
  assert.equal(got.status, 200);
  assert.match(got.body, /<Tagging /);
});
