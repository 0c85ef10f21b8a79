import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { bytesOfBase64, Unreadable } from "./scalars.ts";

test("bytesOfBase64() reads what was written, with or without its end, and in lines", () => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      const text = Buffer.from(bytes).toString("base64");
      for (const written of [
        text,
        text.replaceAll("=", ""),
        `${text}\n`,
        text.replaceAll("A", "A\n"),
      ])
        assert.deepEqual([...bytesOfBase64(written)], [...bytes]);
    }),
  );
});

test("bytesOfBase64() refuses what is none, in no time that grows with its square", () => {
  for (const text of [
    "!",
    "AA=A",
    "A===",
    "=x",
    `${" ".repeat(2_000_000)}!`,
    `=${" ".repeat(2_000_000)}!`,
  ])
    assert.throws(() => bytesOfBase64(text), Unreadable);
});
