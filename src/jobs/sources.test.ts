import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { countLines, linesIn } from "./sources.ts";

const text = fc.string({ unit: fc.constantFrom("a", "é", "\n", "\r", "\r\n", "x"), maxLength: 40 });

/** Lines by the rule itself: what stands before each "\n", and what is left if it is not empty. */
function linesOf(content: string): string[] {
  const parts = content.split("\n");
  if (parts.at(-1) === "") parts.pop();
  return parts.map((part) => part.replace(/\r$/, ""));
}

test("linesIn() gives each line once, wherever the parts are cut", () => {
  fc.assert(
    fc.property(text, fc.integer({ min: 1, max: 12 }), (content, length) => {
      const bytes = Buffer.from(content);
      const found: string[] = [];
      let cursor = 0;
      for (let size = length; cursor < bytes.length;) {
        const isLast = cursor + size >= bytes.length;
        const lines = linesIn(bytes.subarray(cursor, cursor + size), cursor, isLast);
        found.push(...lines.map((line) => line.text));
        if (lines.length === 0) size *= 2;
        else cursor = lines.at(-1)!.next;
      }
      assert.deepEqual(found, linesOf(content));
    }),
  );
});

test("countLines() counts as many as there are, whatever the pieces", async () => {
  await fc.assert(
    fc.asyncProperty(text, fc.integer({ min: 1, max: 7 }), async (content, length) => {
      const bytes = Buffer.from(content);
      async function* pieces() {
        for (let offset = 0; offset < bytes.length; offset += length)
          yield bytes.subarray(offset, offset + length);
      }
      assert.equal(await countLines(pieces()), linesOf(content).length);
    }),
  );
});

test("linesIn() passes over a byte order mark", () => {
  assert.deepEqual(linesIn(Buffer.from("\uFEFFa\nb"), 0, true), [
    { text: "a", next: 5 },
    { text: "b", next: 6 },
  ]);
});
