import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { CanopyError } from "#/base/errors.ts";
import { objectiveText, parseObjective } from "./objective-views.ts";

describe("parseObjective()", () => {
  test("reads a word, and what an hour and a kilogram are worth", () => {
    assert.equal(parseObjective("carbon"), "carbon");
    const weights = parseObjective("hour=2USD,kilogram=0.10 USD");
    assert.deepEqual(weights, { hour: "2USD", kilogram: "0.10 USD" });
    assert.equal(objectiveText(weights), "cost + 2USD an hour + 0.10 USD a kilogram of CO2");
  });

  test("refuses what is neither, and says what is", () => {
    for (const text of ["fast", "hour=2", "day=2USD", "", "hour=2USD,kilogram"])
      assert.throws(
        () => parseObjective(text),
        (thrown: CanopyError) => thrown.code === "invalid" && /kilogram/.test(thrown.hint ?? ""),
      );
  });
});
