import assert from "node:assert/strict";
import { test } from "node:test";
import { newId } from "./ids.ts";
import { ManualClock } from "./manual-clock.ts";
import { nodeRandom } from "./node/random.ts";

test("newId() sorts by the second it was made in, and differs within one", async () => {
  const clock = new ManualClock();
  const parts = { clock, random: nodeRandom };
  const ids: string[] = [];
  for (let second = 0; second < 100; second++) {
    ids.push(newId("j", parts, () => false));
    await clock.advance(1000);
  }
  assert.deepEqual(ids.toSorted(), ids);
  assert.notEqual(
    newId("j", parts, () => false),
    newId("j", parts, () => false),
  );
  assert.match(ids[0]!, /^j[0-9a-hjkmnp-tv-z]{12}$/);
});

test("newId() gives none that is taken", () => {
  const clock = new ManualClock();
  let draws = 0;
  const bytes = (count: number) => new Uint8Array(count).fill(Math.floor(draws++ / 3));
  const random = { bytes, fraction: () => 0 };
  const taken = new Set<string>();
  for (let number = 0; number < 5; number++)
    taken.add(newId("o", { clock, random }, (id) => taken.has(id)));
  assert.equal(taken.size, 5);
  assert.throws(() => newId("o", { clock, random }, () => true), { code: "unavailable" });
});
