import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { Ring } from "./ring.ts";

describe("Ring", () => {
  test("gives indexes back as a list would, whatever is done at its ends", () => {
    const step = fc.oneof(
      {
        weight: 5,
        arbitrary: fc.record({ do: fc.constant("push" as const), index: fc.nat(2 ** 32 - 1) }),
      },
      {
        weight: 2,
        arbitrary: fc.record({ do: fc.constant("unshift" as const), index: fc.nat(2 ** 32 - 1) }),
      },
      {
        weight: 4,
        arbitrary: fc.record({ do: fc.constant("shift" as const), index: fc.constant(0) }),
      },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 500, size: "max" }), (steps) => {
        const ring = new Ring();
        const list: number[] = [];
        for (const { do: what, index } of steps) {
          if (what === "shift") assert.equal(ring.shift(), list.shift());
          else {
            ring[what](index);
            list[what](index);
          }
          assert.equal(ring.length, list.length);
        }
        const other = new Ring();
        other.push(7);
        other.take(ring);
        assert.equal(ring.length, 0);
        assert.deepEqual(
          [7, ...list],
          Array.from({ length: other.length }, () => other.shift()),
        );
      }),
    );
  });
});
