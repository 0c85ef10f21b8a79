import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { test } from "node:test";
import { givingUp } from "./giving-up.ts";

/** Bytes, and whether what they come from was closed. */
function opened() {
  const source = { isClosed: false };
  const pieces: AsyncIterableIterator<Uint8Array> = {
    [Symbol.asyncIterator]: () => pieces,
    next: () => Promise.resolve({ done: false, value: new Uint8Array(1) }),
    return() {
      source.isClosed = true;
      return Promise.resolve({ done: true, value: undefined });
    },
  };
  return { source, pieces };
}

test("givingUp() closes what nobody has read when its use fails, before it waits for anything or after", async () => {
  for (const fails of [
    () => {
      throw new Error("no");
    },
    () => Promise.reject(new Error("no")),
  ]) {
    const { source, pieces } = opened();
    await assert.rejects(givingUp(pieces, fails), /no/);
    assert.ok(source.isClosed);
    const other = opened();
    await assert.rejects(givingUp(Readable.from(other.pieces), fails), /no/);
    for (let turns = 0; turns < 100 && !other.source.isClosed; turns++)
      await new Promise(setImmediate);
    assert.ok(other.source.isClosed);
  }
});

test("givingUp() gives what came of its use, and closes nothing then", async () => {
  const { source, pieces } = opened();
  assert.equal(await givingUp(pieces, () => Promise.resolve("done")), "done");
  assert.ok(!source.isClosed);
});
