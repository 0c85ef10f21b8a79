import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { job, mapReduce, task } from "./define.ts";
import { TaskFailed } from "./failures.ts";
import { now, random, sideEffect } from "./recorded.ts";

const double = task((n: number) => n * 2);
const join = task((a: string, b: string) => a + b);
const picky = task((n: number) => {
  if (n === 3) throw new RangeError("three");
  return n;
});

async function* asMade<T>(items: T[]): AsyncGenerator<T> {
  for (const item of items) yield item;
}

test("outside of a cloud, calls run here with the same results", async () => {
  assert.equal(await double(21), 42);
  assert.deepEqual(await double.map([1, 2, 3]), [2, 4, 6]);
  assert.deepEqual(await double.map(asMade([1, 2, 3])), [2, 4, 6]);
  assert.deepEqual(
    await join.starmap(
      new Set<[string, string]>([
        ["a", "b"],
        ["c", "d"],
      ]),
    ),
    ["ab", "cd"],
  );
  assert.equal(await double.spawn(4).result(), 8);
  assert.equal(typeof (await now()), "number");
  assert.ok((await random()) < 1);
  assert.equal(await sideEffect("add", () => 1 + 1), 2);
});

test("a job runs here as the plain function that it is", async () => {
  const main = job(
    async (count: number) => (await double.map(Array.from({ length: count }, (_, n) => n))).length,
  );
  assert.equal(await main(10), 10);
});

test("a failure throws TaskFailed with its place, or is a value when asked for", async () => {
  await assert.rejects(
    picky(3),
    (thrown) =>
      thrown instanceof TaskFailed && thrown.reason === "threw" && /three/.test(thrown.message),
  );
  await assert.rejects(async () => await picky.map([1, 2, 3, 4]), TaskFailed);
  const values = await picky.map([1, 3, 5], { errors: "values" });
  assert.deepEqual(
    values.map((value) => (value instanceof TaskFailed ? value.index : value)),
    [1, 1, 5],
  );
});

test("what cannot cross between processes is refused here too", async () => {
  class Thing {}
  const make = task(() => new Thing());
  await assert.rejects(make(), /instance of Thing/);
  await assert.rejects(async () => await double.map([Symbol("x") as unknown as number]), /symbol/);
  assert.deepEqual(
    await task((value: Map<string, bigint>) => value)(new Map([["a", 1n]])),
    new Map([["a", 1n]]),
  );
});

test("reduce() gives what a fold from the left gives, for any associative function and any number of items", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.string({ maxLength: 3 }), { minLength: 1, maxLength: 300 }),
      fc.boolean(),
      async (items, isStream) => {
        assert.equal(await join.reduce(isStream ? asMade(items) : items), items.join(""));
        assert.equal(
          await join.reduce(isStream ? asMade(items) : items, "<"),
          `<${items.join("")}`,
        );
      },
    ),
    { numRuns: 30 },
  );
  await assert.rejects(join.reduce([]), TypeError);
  assert.equal(await join.reduce([], "initial"), "initial");
});

test("mapReduce() groups by key, combines, and reduces", async () => {
  const count = mapReduce({
    map(line: string, emit: (word: string, one: number) => void) {
      for (const word of line.split(" ")) emit(word, 1);
    },
    combine: (_, ones) => ones.reduce((sum, one) => sum + one, 0),
    reduce: (_, ones) => ones.reduce((sum, one) => sum + one, 0),
  });
  const pairs = await count.run(["to be or", "not to be"]);
  assert.deepEqual(Object.fromEntries(pairs), { to: 2, be: 2, or: 1, not: 1 });
});
