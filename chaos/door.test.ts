import assert from "node:assert/strict";
import { test } from "node:test";
import { Chance } from "#/base/testing/chance.ts";
import { Door, Over, Refused } from "./door.ts";
import { serve } from "./testing/serve.ts";

const doorTo = (url: string) => new Door([url], "key", new Chance(1));

test("ask() gives nothing when nobody answers, or it is to come again", async (t) => {
  for (const status of [429, 503, 504, 507]) {
    const { url, stop } = await serve(t, () => ({ status, body: {} }));
    const door = doorTo(url);
    assert.equal(await door.ask("GET", "/"), undefined);
    stop();
    assert.equal(await door.ask("GET", "/"), undefined);
    assert.deepEqual(door.counts, { answered: 0, unanswered: 1, refusedForNow: 1 });
  }
});

test("ask(), persist() and must() throw what a cloud must never answer", async (t) => {
  const wrong = [
    { status: 500, body: { code: "internal" } },
    { status: 200, text: '{"half' },
  ];
  for (const answer of wrong) {
    const { url } = await serve(t, () => answer);
    for (const call of ["ask", "persist", "must"] as const)
      await assert.rejects(doorTo(url)[call]("GET", "/"), Refused);
  }
});

test("persist() asks until it is answered, and nothing new once the door is closed", async (t) => {
  let calls = 0;
  const { url } = await serve(t, () => ((calls += 1) < 3 ? { status: 503 } : { status: 404 }));
  const door = doorTo(url);
  assert.equal((await door.persist("GET", "/")).status, 404);
  assert.equal(calls, 3);
  await assert.rejects(door.must("GET", "/"), Refused);
  door.close();
  await assert.rejects(door.persist("GET", "/"), Over);
});
