import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { FunctionRun } from "#/model/task.ts";
import { decodeValue, encodeValue } from "#/model/value.ts";
import { briefOf, Rig, type Ended } from "../testing/rig.ts";
import { runnerDriver } from "./runner.ts";

const rig = await Rig.make(runnerDriver);
after(() => rig.close());

const module = await rig.module(`
  const definition = Symbol.for("canopy.definition");
  const mapReduce = (options) => Object.assign(() => {}, { [definition]: { type: "map-reduce", ...options } });
  const words = (text, emit) => { for (const word of text.split(" ")) emit(word, 1); };
  const sum = (key, values) => values.reduce((a, b) => a + b, 0);
  export const count = mapReduce({ map: words, reduce: sum });
  export const combined = mapReduce({ map: words, combine: sum, reduce: sum });
  export const keys = mapReduce({
    map: async (input, emit) => { for (const key of input) emit(key, { from: key }); },
    reduce: async (key, values) => values.length,
  });
  export const bad = mapReduce({ map: (input, emit) => emit("a", () => 1), reduce: () => 1 });
`);

let jobCount = 0;

/** Maps the inputs, then reduces each partition; gives the reduce tasks' ends and the map tasks'. */
async function mapReduce(fn: string, inputs: unknown[], partitions: number) {
  const job = `m${++jobCount}`;
  const run = (role: "map" | "reduce"): { run: FunctionRun } => ({
    run: { driver: "runner", module, function: fn, role },
  });
  const map = briefOf(run("map"), { shuffle: { role: "map", partitions } });
  const maps = await Promise.all(
    inputs.map((input, index) =>
      rig.run(map, `${job}/0`, { task: `${job}/0/${index}`, input: encodeValue(input) }),
    ),
  );
  const reduce = briefOf(run("reduce"), { shuffle: { role: "reduce", from: `${job}/0` } });
  const reduces = await Promise.all(
    Array.from({ length: partitions }, (_, partition) =>
      rig.run(reduce, `${job}/1`, {
        task: `${job}/1/${partition}`,
        segments: [
          { machine: "here", segments: maps.map(({ work }) => `${work.offer.task}/${partition}`) },
        ],
      }),
    ),
  );
  return { maps, reduces };
}

async function pairsOf(ends: Ended[]): Promise<[unknown, unknown][]> {
  const texts = await Promise.all(
    ends.map(async ({ result, resultBlob, error }) => {
      assert.equal(error, undefined, error?.message ?? "");
      if (resultBlob === undefined) return result!;
      return Buffer.from((await rig.parts.files.read(rig.blobs.get(resultBlob)!))!).toString();
    }),
  );
  return texts.flatMap((text) => decodeValue(text) as [unknown, unknown][]);
}

test("map and reduce give each key once, with all its values, combined or not", async () => {
  const texts = Array.from({ length: 20 }, (_, n) => `a b${n % 3} a c ${"again ".repeat(200)}end`);
  const expected = new Map<string, number>();
  for (const word of texts.join(" ").split(" ")) expected.set(word, (expected.get(word) ?? 0) + 1);
  for (const fn of ["count", "combined"]) {
    const pairs = await pairsOf((await mapReduce(fn, texts, 4)).reduces);
    assert.equal(new Map(pairs as [string, number][]).size, pairs.length);
    assert.deepEqual(new Map(pairs as [string, number][]), expected);
  }
});

test("keys may be anything that can be sent", async () => {
  const keys = ["1", 1, [1], { a: 1 }, null, 10n];
  const { reduces } = await mapReduce("keys", [keys, keys, keys], 3);
  const pairs = await pairsOf(reduces);
  assert.equal(pairs.length, keys.length);
  for (const [key, count] of pairs) {
    assert.equal(count, 3);
    assert.ok(keys.some((other) => encodeValue(other) === encodeValue(key)));
  }
});

test("what cannot be sent fails the map that emitted it", async () => {
  const run: FunctionRun = { driver: "runner", module, function: "bad", role: "map" };
  const ended = await rig.run(briefOf({ run }, { shuffle: { role: "map", partitions: 1 } }), "x/0");
  assert.equal(ended.error?.reason, "unserialisable");
});

test("a lost segment fails the reduce task, names the map task, and leaves the runner well", async () => {
  const run: FunctionRun = { driver: "runner", module, function: "count", role: "reduce" };
  const segments = [{ machine: "here", segments: ["gone/0/7/0"] }];
  const lost = await rig.run(briefOf({ run }), "y/1", { segments });
  assert.equal(lost.error?.reason, "shuffle-lost");
  assert.deepEqual(lost.error!.lostTasks, ["gone/0/7"]);
  const { reduces } = await mapReduce("count", ["a b"], 1);
  assert.deepEqual(await pairsOf(reduces), [
    ["a", 1],
    ["b", 1],
  ]);
});
