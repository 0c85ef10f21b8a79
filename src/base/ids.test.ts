import assert from "node:assert/strict";
import { test } from "node:test";
import { newId } from "./ids.ts";
import { ManualClock } from "./manual-clock.ts";
import { nodeRandom } from "./node/random.ts";

test("newId() sorts by the second it was made in, and differs within one", async () => {
  const clock = new ManualClock();
  const ids: string[] = [];
  for (let second = 0; second < 100; second++) {
    ids.push(newId("j", clock, nodeRandom));
    await clock.advance(1000);
  }
  assert.deepEqual(ids.toSorted(), ids);
  assert.notEqual(newId("j", clock, nodeRandom), newId("j", clock, nodeRandom));
  assert.match(ids[0]!, /^j[0-9a-hjkmnp-tv-z]{12}$/);
});
