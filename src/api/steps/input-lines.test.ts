import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { limits } from "#/base/limits.ts";
import { inputLines } from "./input-lines.ts";

async function* chunks(bytes: Uint8Array, cuts: number[]): AsyncGenerator<Uint8Array> {
  let from = 0;
  for (const cut of [...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].sort(
    (a, b) => a - b,
  )) {
    if (cut > from) yield bytes.subarray(from, cut);
    from = cut;
  }
}

const read = async (bytes: Uint8Array, cuts: number[] = []) =>
  (await Array.fromAsync(inputLines(chunks(bytes, cuts)))).flat();

describe("inputLines()", () => {
  it("gives each line's text, wherever the body was cut on its way", async () => {
    const input = fc.json({ maxDepth: 2 });
    await fc.assert(
      fc.asyncProperty(
        fc.array(input, { maxLength: 30 }),
        fc.array(fc.nat(), { maxLength: 20 }),
        fc.boolean(),
        async (inputs, cuts, isEnded) => {
          const body = Buffer.from(inputs.join("\n") + (isEnded ? "\n" : ""));
          assert.deepEqual(await read(body, cuts), inputs);
        },
      ),
    );
  });

  it("takes carriage returns and empty lines for what they are", async () => {
    assert.deepEqual(await read(Buffer.from('1\r\n\r\n"a"\r\n')), ["1", '"a"']);
  });

  it("names the line that is not JSON", async () => {
    const body = Buffer.from(`${"1\n".repeat(9999)}oops\n`);
    await assert.rejects(read(body, [7, 77, 777]), /line 10000 as an input/);
    await assert.rejects(read(Buffer.from("1,2\n")), /line 1 /);
    await assert.rejects(read(Buffer.from([0x31, 0x0a, 0xff, 0x0a])), { code: "invalid" });
  });

  it("never holds more than one line too many", async () => {
    async function* endless(): AsyncGenerator<Uint8Array> {
      for (;;) yield Buffer.alloc(1 << 20, "x");
    }
    await assert.rejects(Array.fromAsync(inputLines(endless())), { code: "too-large" });
  });

  it("gives no more at once than goes into one commit", async () => {
    const body = Buffer.from("1\n".repeat(3 * limits.appendBatchTasksMax));
    for await (const lines of inputLines(chunks(body, [])))
      assert.ok(lines.length <= limits.appendBatchTasksMax);
  });
});
