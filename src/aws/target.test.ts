import assert from "node:assert/strict";
import { test } from "node:test";
import { decoded } from "#/access/signatures/encoding.ts";
import { parameterOf, parametersOf } from "./target.ts";

test("parameters are used as signatures read them, also where they are no UTF-8", () => {
  for (const [written, read] of [
    ["a%20b+c", "a b c"],
    ["%FFb", "\uFFFDb"],
    ["100%", "100%"],
    ["%C3%A4", "ä"],
  ] as const) {
    assert.equal(parameterOf(`x=1&name=${written}&y=2`, "name"), read);
    assert.deepEqual(parametersOf(`na%6De=${written}`), [["name", read]]);
    assert.equal(decoded(written), read);
  }
});
