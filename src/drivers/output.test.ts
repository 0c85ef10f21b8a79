import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { limits } from "#/base/limits.ts";
import { TaskOutput } from "./output.ts";

test("TaskOutput gives the same lines however the text was cut", () => {
  fc.assert(
    fc.property(fc.array(fc.stringMatching(/^[ab\n]{0,5}$/)), (pieces) => {
      const lines: string[] = [];
      const output = new TaskOutput((_stream, line) => void lines.push(line));
      for (const piece of pieces) output.write("stdout", piece);
      output.end();
      const whole = pieces.join("").split("\n");
      if (whole.at(-1) === "") whole.pop();
      assert.deepEqual(lines, whole);
    }),
  );
});

test("TaskOutput cuts long lines, and stops at its limit with a line that says so", () => {
  const lines: [string, string][] = [];
  const output = new TaskOutput((stream, line) => void lines.push([stream, line]));
  output.write("stderr", "x".repeat(limits.logLineBytesMax * 2 + 1));
  assert.deepEqual(
    lines.map(([, line]) => line.length),
    [limits.logLineBytesMax, limits.logLineBytesMax, 1],
  );
  const line = `${"y".repeat(999)}\n`;
  for (let count = 0; count < limits.taskLogBytesMax / 500; count++) output.write("stdout", line);
  output.end();
  assert.ok(output.isFull);
  assert.equal(lines.at(-1)![0], "canopy");
  assert.equal(lines.filter(([stream]) => stream === "canopy").length, 1);
});
