import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { describeCycle, findCycle, topologicalOrder } from "./graph.ts";

const edges = fc.array(fc.tuple(fc.nat(9), fc.nat(9)), { maxLength: 25 });

function graphOf(pairs: readonly (readonly [number, number])[]): Map<string, string[]> {
  const after = new Map(Array.from({ length: 10 }, (_, node) => [String(node), [] as string[]]));
  for (const [a, b] of pairs) after.get(String(b))!.push(String(a));
  return after;
}

test("findCycle() names a circle exactly when there is one", () => {
  fc.assert(
    fc.property(edges, (pairs) => {
      const after = graphOf(pairs);
      const cycle = findCycle(after);
      // Warshall's closure: a node that reaches itself stands in a circle.
      const reaches = Array.from({ length: 10 }, (_, b) =>
        Array.from({ length: 10 }, (_, a) => after.get(String(b))!.includes(String(a))),
      );
      for (let k = 0; k < 10; k++)
        for (let i = 0; i < 10; i++)
          for (let j = 0; j < 10; j++)
            if (reaches[i]![k]! && reaches[k]![j]!) reaches[i]![j] = true;
      assert.equal(
        cycle !== undefined,
        reaches.some((row, node) => row[node]),
      );
      cycle?.forEach((node, index) => {
        const before = cycle.at(index - 1)!;
        assert.ok(after.get(node)!.includes(before), `${node} does not come after ${before}`);
      });
    }),
  );
});

test("findCycle() takes a chain of 100,000", () => {
  const after = new Map(
    Array.from({ length: 100_000 }, (_, node) => [
      String(node),
      node > 0 ? [String(node - 1)] : [],
    ]),
  );
  assert.equal(findCycle(after), undefined);
  after.set("0", ["99999"]);
  assert.equal(findCycle(after)!.length, 100_000);
});

test("describeCycle() leaves out the middle of a long circle", () => {
  assert.equal(describeCycle(["a", "b"]), "a → b → a");
  assert.match(
    describeCycle(Array.from({ length: 50 }, (_, index) => `s${index}`)),
    /s5 → … 39 more … → s45/,
  );
});

test("topologicalOrder() puts each node behind all that it comes after", () => {
  fc.assert(
    fc.property(edges, (pairs) => {
      const after = graphOf(pairs.filter(([a, b]) => a < b));
      const order = topologicalOrder(after);
      assert.equal(order.length, after.size);
      for (const [node, befores] of after)
        for (const before of befores) assert.ok(order.indexOf(before) < order.indexOf(node));
    }),
  );
});
