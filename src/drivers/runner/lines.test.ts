import assert from "node:assert/strict";
import { test } from "node:test";
import { limits } from "#/base/limits.ts";
import { endLineOf, taskErrorOf } from "./lines.ts";

test("amounts that are none count as nothing", () => {
  for (const bad of ["NaN", "Infinity", "-5", "1e999", "", "x"]) {
    const { wallMs, cpuMs } = endLineOf(`r\t1\t${bad}\t${bad}\t1`);
    assert.deepEqual([wallMs, cpuMs], [0, 0], bad);
  }
  const line = endLineOf("r\t7\t1.5\t0.25\t[1]\t2");
  assert.deepEqual(line, { kind: "r", number: 7, wallMs: 1.5, cpuMs: 0.25, text: "[1]\t2" });
});

test("an error has a known reason, and texts that are not too long, whatever was written", () => {
  assert.deepEqual(taskErrorOf("{"), { reason: "threw", message: "{" });
  assert.deepEqual(taskErrorOf("null"), { reason: "threw", message: "null" });
  assert.deepEqual(taskErrorOf('{"reason":"mine","message":"m","stack":1,"exitCode":"1"}'), {
    reason: "threw",
    message: "m",
  });
  const error = { reason: "exited", message: "it ended", stack: "at x", exitCode: 3 };
  assert.deepEqual(taskErrorOf(JSON.stringify(error)), error);
  const long = JSON.stringify({
    reason: "threw",
    message: "x".repeat(1e6),
    stack: "y".repeat(1e6),
  });
  assert.equal(taskErrorOf(long).message.length, limits.errorTextBytesMax);
  assert.equal(taskErrorOf(long).stack!.length, limits.errorTextBytesMax);
});
