import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import fc from "fast-check";
import { shellLine } from "./shell-line.ts";

/** Runs a line as a task would, with those members of its input. */
function run(text: string, input: Record<string, string>): string {
  const { command, env } = shellLine(text, new Set(Object.keys(input)));
  const filled = Object.entries(env).map(([name, value]) => [
    name,
    value === "{}" ? JSON.stringify(input) : input[value.slice(1, -1)]!,
  ]);
  return execFileSync(command[0]!, command.slice(1), {
    env: Object.fromEntries(filled),
    encoding: "utf8",
  });
}

test("shellLine() hands any value over as it is, in every kind of quotes, and none of it runs", () => {
  const value = fc.string({
    unit: fc.constantFrom("'", '"', "`", "$", "(", ")", ";", "\\", " ", "a", "{", "}", "\n", "*"),
  });
  fc.assert(
    fc.property(value, (x) => {
      const printed = run(`printf '[%s]' {x} "{x}" 'a{x}b'`, { x });
      assert.equal(printed, `[${x}][${x}][a${x}b]`);
    }),
    { numRuns: 60 },
  );
});

test("shellLine() leaves the shell's own braces alone", () => {
  assert.equal(
    run("y=5; echo ${y} | awk '{print $1}'; echo {no} \\{x}", { x: "1" }),
    "5\n{no} {x}\n",
  );
});

test("shellLine() keeps names apart that a variable would not", () => {
  assert.equal(run("echo {a.b}{a-b}", { "a.b": "1", "a-b": "2" }), "12\n");
});
