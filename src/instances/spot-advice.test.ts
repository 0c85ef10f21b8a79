import assert from "node:assert/strict";
import { test } from "node:test";
import { frequencyOf } from "./spot-advice.ts";

test("frequencyOf() says nothing of few, and is the less sure the fewer are known", () => {
  assert.equal(frequencyOf(1, 9), undefined);
  const few = frequencyOf(1, 10)!;
  const many = frequencyOf(100, 1000)!;
  assert.equal(few.likely, many.likely);
  assert.ok(few.low < many.low && many.low < 0.1 && 0.1 < many.high && many.high < few.high);
  const never = frequencyOf(0, 20)!;
  assert.ok(never.low < 1e-9 && never.high > 0.05, "that none was taken does not say that none is");
  // The same formula, worked out in Python.
  const known = frequencyOf(2, 20)!;
  assert.deepEqual([known.low.toFixed(3), known.high.toFixed(3)], ["0.034", "0.262"]);
});
