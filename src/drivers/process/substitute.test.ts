import assert from "node:assert/strict";
import { test } from "node:test";
import { substitute } from "./substitute.ts";

test("substitute() puts in members, or all of it, and leaves other braces alone", () => {
  const input = { file: "a b.txt", n: 3, deep: { x: [1] } };
  assert.equal(substitute("--in={file}", input), "--in=a b.txt");
  assert.equal(substitute("{n}/{n}", input), "3/3");
  assert.equal(substitute("{deep}", input), '{"x":[1]}');
  assert.equal(substitute("{}", input), JSON.stringify(input));
  assert.equal(substitute("{}", "a line"), "a line");
  assert.equal(
    substitute("awk '{print $1}' {other} {toString} ${n}", input),
    "awk '{print $1}' {other} {toString} $3",
  );
  assert.equal(substitute("{}", { file: "{n}", n: 1 }), '{"file":"{n}","n":1}');
});
