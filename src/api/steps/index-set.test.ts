import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { IndexSet, parseHave } from "./index-set.ts";

describe("IndexSet", () => {
  it("holds what a set of numbers would hold", () => {
    const step = fc.record({ index: fc.nat(5000), isAdded: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 500 }), (steps) => {
        const [bits, plain] = [new IndexSet(), new Set<number>()];
        for (const { index, isAdded } of steps) {
          if (isAdded) assert.equal(bits.add(index), !plain.has(index));
          else bits.delete(index);
          if (isAdded) plain.add(index);
          else plain.delete(index);
        }
        assert.equal(bits.size, plain.size);
        for (let index = 0; index <= 5000; index++) assert.equal(bits.has(index), plain.has(index));
      }),
    );
  });
});

describe("parseHave()", () => {
  it("reads ranges as they are written, up to the end", () => {
    const gaps = fc.array(fc.tuple(fc.integer({ min: 1, max: 50 }), fc.nat(50)), { maxLength: 20 });
    fc.assert(
      fc.property(gaps, fc.nat(2000), (steps, end) => {
        const plain = new Set<number>();
        const parts: string[] = [];
        let at = -1;
        for (const [gap, more] of steps) {
          const first = at + gap;
          at = first + more;
          parts.push(more === 0 ? `${first}` : `${first}-${at}`);
          for (let index = first; index <= at && index < end; index++) plain.add(index);
        }
        const set = parseHave(parts.join(","), end);
        assert.equal(set.size, plain.size);
        for (const index of plain) assert.ok(set.has(index));
      }),
    );
  });

  it("refuses what is no list of ranges going up, and does no more work than the step has tasks", () => {
    for (const text of ["a", "1-", "-1", "5-3", "1,,2", "1.5", "5,4", "0-9,9-10", "1,1"]) {
      assert.throws(() => parseHave(text, 100), { code: "invalid" }, text);
    }
    assert.equal(parseHave("0-999999999", 100).size, 100);
  });
});
