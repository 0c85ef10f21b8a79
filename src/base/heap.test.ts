import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Heap } from "./heap.ts";

test("Heap gives what was pushed by time, then by the order it was planned in", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 20 })), (times) => {
      const heap = new Heap<{ atMs: number; order: number }>();
      const planned = times.map((atMs, order) => ({ atMs, order }));
      for (const one of planned) heap.push(one);
      const given = planned.map(() => heap.pop()!);
      assert.deepEqual(
        given,
        planned.toSorted((a, b) => a.atMs - b.atMs || a.order - b.order),
      );
      assert.equal(heap.pop(), undefined);
    }),
  );
});
