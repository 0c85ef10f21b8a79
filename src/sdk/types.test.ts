import assert from "node:assert/strict";
import { test } from "node:test";
import { job, mapReduce, task } from "./define.ts";
import type { TaskFailed } from "./failures.ts";
import type { Loaded } from "./load.ts";

const square = task((n: number) => n * n);
const add = task((a: number, b: number) => a + b);
const words = task(async (text: string) => text.split(" "));
const maybe = task((n?: number) => n ?? 0);
const count = mapReduce({
  map(line: string, emit: (word: string, one: number) => void) {
    emit(line, 1);
  },
  reduce: (_word, ones) => ones.length,
});
const main = job(async (n: number, name: string) => ({ n, name }));

type Module = { square: typeof square; count: typeof count; main: typeof main; constant: number };

/** True when the two types are the same. */
type Same<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const same = <A, B>(_same: Same<A, B>): void => {};

/** Checked by the compiler; never run. */
async function checked(loaded: Loaded<Module>): Promise<void> {
  same<Awaited<ReturnType<typeof square>>, number>(true);
  const squares = await square.map([1, 2]);
  same<typeof squares, number[]>(true);
  const values = await square.map([1], { errors: "values" });
  same<typeof values, (number | TaskFailed)[]>(true);
  for await (const list of words.map(["a b"], { ordered: false }))
    same<typeof list, string[]>(true);
  const sum = await add.reduce([1, 2, 3], 0);
  same<typeof sum, number>(true);
  const result = await add.spawn(1, 2).result();
  same<typeof result, number>(true);
  const pairs = await count.run(["a"]);
  same<typeof pairs, [string, number][]>(true);
  await maybe.map([1, undefined]);
  await add.starmap([[1, 2]]);

  // @ts-expect-error an argument of another type
  await square("1");
  // @ts-expect-error too few arguments
  await add(1);
  // @ts-expect-error items of another type
  await square.map(["1"]);
  // @ts-expect-error a function of two arguments has no item of its own: that is starmap's
  await add.map([1, 2]);
  // @ts-expect-error lists of other lengths
  await add.starmap([[1]]);
  // @ts-expect-error what does not fold two into one cannot reduce
  await words.reduce(["a", "b"]);
  // @ts-expect-error no such option
  square.with({ cpu: 2 });
  // @ts-expect-error items of another type
  count.run([1]);

  const remote = await loaded.main(1, "a");
  same<typeof remote, { n: number; name: string }>(true);
  const handle = await loaded.main.start(1, "a");
  same<Awaited<ReturnType<typeof handle.result>>, { n: number; name: string }>(true);
  same<typeof loaded.square, typeof square>(true);
  // @ts-expect-error what is no task, job or map-reduce is not loaded
  void loaded.constant;
  // @ts-expect-error an argument of another type
  await loaded.main("1", "a");
}

test("types go through from a function to its results", () =>
  assert.equal(typeof checked, "function"));
