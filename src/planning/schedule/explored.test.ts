import assert from "node:assert/strict";
import { test } from "node:test";
import { Explored } from "./explored.ts";

/** Tasks 0 and 1 had started; 1 runs until 8. */
function seen(): Explored {
  const explored = new Explored(1);
  explored.add(0b11, 5, [1], Float64Array.of(5, 8));
  return explored;
}

test("Explored.covers() a state of the same tasks in which nothing is earlier", () => {
  assert.ok(seen().covers(0b11, 5, Float64Array.of(5, 8)));
  assert.ok(seen().covers(0b11, 6, Float64Array.of(6, 9)));
  assert.ok(seen().covers(0b11, 8, Float64Array.of(8, 7)), "1 has ended in both by now");
});

test("Explored.covers() no state that is earlier, has a task that ends earlier, or has other tasks", () => {
  assert.ok(!seen().covers(0b11, 4, Float64Array.of(4, 8)));
  assert.ok(!seen().covers(0b11, 6, Float64Array.of(6, 7)));
  assert.ok(!seen().covers(0b111, 6, Float64Array.of(6, 9, 9)));
});

test("Explored.add() keeps no more than it may", () => {
  const explored = seen();
  explored.add(0b1, 3, [], Float64Array.of(3));
  assert.ok(!explored.covers(0b1, 3, Float64Array.of(3)));
});
