import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { Chance } from "#/base/testing/chance.ts";
import { Door } from "./door.ts";
import { RecordHistory } from "./record-history.ts";
import { serve } from "./testing/serve.ts";

/** A cloud with one project. */
async function project(t: TestContext) {
  const now = { revision: 1, title: "first" };
  const { url } = await serve(t, (call, body, headers) => {
    const tell = (status: number) => ({
      status,
      body: { title: now.title },
      headers: { etag: `"${now.revision}"` },
    });
    if (call === "POST /v1/projects") return tell(201);
    assert.match(call, / \/v1\/projects\/p$/);
    if (call.startsWith("GET")) return tell(200);
    const expected = headers["if-match"];
    if (expected !== undefined && expected !== `"${now.revision}"`) return tell(409);
    now.revision += 1;
    now.title = (body as { title: string }).title;
    return tell(200);
  });
  const door = new Door([url], "key", new Chance(1));
  return { now, door, record: await RecordHistory.make(door, "p") };
}

test("close() finds nothing wrong with a record that keeps what it acknowledged", async (t) => {
  const { door, record } = await project(t);
  assert.deepEqual(await record.call(door, { type: "read" }), { revision: 1, value: "first" });
  assert.deepEqual(await record.call(door, { type: "write", value: "a" }), {
    revision: 2,
    value: "a",
  });
  assert.equal(await record.call(door, { type: "swap", expected: 1, value: "b" }), "conflict");
  await record.call(door, { type: "swap", expected: 2, value: "c" });
  assert.equal(await record.close(door), undefined);
  assert.equal(await record.close(door), undefined);
});

test("close() finds a record that lost its last change, also when it was there at the close before", async (t) => {
  const { now, door, record } = await project(t);
  await record.call(door, { type: "write", value: "a" });
  await record.call(door, { type: "write", value: "b" });
  assert.equal(await record.close(door), undefined);
  Object.assign(now, { revision: 2, title: "a" });
  assert.match((await record.close(door)) ?? "", /projects\/p are not linearizable: 3 of 4 fit/);
});
