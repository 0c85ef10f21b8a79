import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { judgeReasons } from "./testing/reasons.ts";

describe("explainJob()", () => {
  test("gives every reason that stands in the way, and none that does not", async () => {
    let reasons = 0;
    for (let seed = 1; seed <= 150; seed++) {
      const found = await judgeReasons(seed);
      reasons += found.reasons;
      assert.deepEqual([found.needless, found.missing], [[], []]);
    }
    assert.ok(reasons > 150, `only ${reasons} reasons were judged`);
  });
});
