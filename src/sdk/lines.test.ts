import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseLines, streamEvents, wholeLines } from "./lines.ts";

/** The bytes of a text, cut where the numbers say. */
async function* cut(text: string, sizes: number[]): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text);
  let at = 0;
  for (let turn = 0; at < bytes.length; turn++) {
    const size = sizes[turn % sizes.length]!;
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

const sizes = fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 5 });

test("wholeLines() and parseLines() give each value once, however the bytes are cut", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.oneof(fc.jsonValue(), fc.constant(undefined))),
      sizes,
      async (values, cuts) => {
        // undefined stands for an empty line, which keeps a connection alive.
        const text = values
          .map((value) => (value === undefined ? "" : JSON.stringify(value)))
          .map((line) => `${line}\n`)
          .join("");
        const seen: unknown[] = [];
        for await (const piece of wholeLines(cut(text, cuts))) seen.push(...parseLines(piece));
        assert.equal(
          JSON.stringify(seen),
          JSON.stringify(values.filter((value) => value !== undefined)),
        );
      },
    ),
  );
});

test("streamEvents() gives types, data of several lines, and ids, however the bytes are cut", async () => {
  const text = ': alive\n\nevent: progress\nid: 7\ndata: {"a":\ndata: 1}\n\ndata: plain ü\n\n';
  await fc.assert(
    fc.asyncProperty(sizes, async (cuts) => {
      const events = await Array.fromAsync(streamEvents(cut(text, cuts)));
      assert.deepEqual(events, [
        { type: "progress", data: '{"a":\n1}', id: "7" },
        { type: "message", data: "plain ü", id: "7" },
      ]);
    }),
  );
});
