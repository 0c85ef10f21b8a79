import assert from "node:assert/strict";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { encodeValue } from "#/model/value.ts";
import { Reduction } from "./child-reduce.ts";

test("Reduction gives the same whether it fits in memory or goes over files", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "canopy-reduce-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const key = fc.oneof(fc.string({ maxLength: 4 }), fc.integer({ min: 0, max: 9 }), fc.boolean());
  const group = fc.tuple(key, fc.array(fc.integer(), { minLength: 1, maxLength: 3 }));
  const lines = fc.array(fc.array(group, { maxLength: 5 }), { maxLength: 30 });
  let count = 0;
  await fc.assert(
    fc.asyncProperty(lines, async (chunks) => {
      const expected = new Map<string, number[]>();
      for (const [name, values] of chunks.flat()) {
        const text = JSON.stringify(name);
        expected.set(text, [...(expected.get(text) ?? []), ...values]);
      }
      for (const bytesMax of [1e9, 100, 1]) {
        const reduction = new Reduction(join(folder, `part-${++count}`), bytesMax);
        for (const chunk of chunks) reduction.feed(encodeValue(chunk.flat(1)));
        const pairs = await reduction.run((_key, values) => values);
        assert.equal(pairs.length, expected.size);
        for (const [name, values] of pairs)
          assert.deepEqual(values, expected.get(JSON.stringify(name)));
      }
    }),
    { numRuns: 40 },
  );
  assert.deepEqual(await readdir(folder), [], "its files are gone");
});

test("run() throws what was wrong with a line", async () => {
  const reduction = new Reduction("unused");
  reduction.feed('["a",[1');
  await assert.rejects(
    reduction.run(() => 1),
    SyntaxError,
  );
});
