import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { nodeRandom } from "#/base/node/random.ts";
import { sealed, unsealed } from "./sealed-stream.ts";

const key = Buffer.alloc(32, 7).toString("base64");

async function* pieces(content: Buffer, bytes: number): AsyncGenerator<Uint8Array> {
  for (let from = 0; from < content.length; from += bytes)
    yield content.subarray(from, from + bytes);
}

const all = async (stream: AsyncIterable<Uint8Array>) =>
  Buffer.concat(await Array.fromAsync(stream));

test("sealed() gives what unsealed() opens, in pieces of any length, and never the same twice", async () => {
  for (const length of [0, 1, 1000, 3_000_000]) {
    const content = randomBytes(length);
    const first = await all(sealed(pieces(content, 70_000), key, nodeRandom));
    const again = await all(sealed(pieces(content, 2_000_000), key, nodeRandom));
    assert.ok(length < 1000 || !first.includes(content.subarray(0, 100)));
    assert.notDeepEqual(first.subarray(32), again.subarray(32));
    for (const bytes of [length < 2000 ? 1 : 1009, 100_000])
      assert.deepEqual(await all(unsealed(pieces(first, bytes), key)), content);
  }
});

test("unsealed() refuses what was cut off, changed, or sealed by another key", async () => {
  const content = randomBytes(5000);
  const whole = await all(sealed(pieces(content, 999), key, nodeRandom));
  const lastPiece = 4 + 16;
  for (const length of [0, 31, 33, 2000, whole.length - lastPiece, whole.length - 1])
    await assert.rejects(all(unsealed(pieces(whole.subarray(0, length), 500), key)), {
      code: "damaged",
    });
  for (const at of [5, 33, 40, whole.length - 1]) {
    const changed = Buffer.from(whole);
    changed[at]! ^= 1;
    await assert.rejects(all(unsealed(pieces(changed, 500), key)), { code: "damaged" });
  }
  const other = Buffer.alloc(32, 8).toString("base64");
  await assert.rejects(all(unsealed(pieces(whole, 500), other)), { code: "damaged" });
});
