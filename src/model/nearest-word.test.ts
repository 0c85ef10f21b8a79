import assert from "node:assert/strict";
import { test } from "node:test";
import { nearestWord } from "./nearest-word.ts";

const known = ["timeout", "retries", "inputs", "outputs", "run", "after"];

test("nearestWord() finds what was likely meant", () => {
  assert.equal(nearestWord("timeuot", known), "timeout");
  assert.equal(nearestWord("retry", known), undefined);
  assert.equal(nearestWord("rnu", known), "run");
  assert.equal(nearestWord("input", known), "inputs");
});

test("nearestWord() says nothing when no word is near", () => {
  assert.equal(nearestWord("colour", known), undefined);
  assert.equal(nearestWord("x", []), undefined);
});
