import assert from "node:assert/strict";
import { test } from "node:test";
import { Outlook } from "./outlook.ts";

const daily = (hour: number) => 200 + 80 * Math.cos((2 * Math.PI * hour) / 24);
const hours = (from: number, count: number) => Array.from({ length: count }, (_, at) => from + at);
const hourMs = 3_600_000;

test("gramsAt() is what is known of an hour, else what the past says, day by day", () => {
  const known = { firstHour: 48, gramsPerKwh: hours(48, 24 * 5).map(daily) };
  const { gramsAt } = new Outlook(known, 48 + 24 * 5);
  assert.equal(gramsAt(47), undefined);
  assert.equal(gramsAt(60), daily(60));
  for (const hour of hours(48 + 24 * 5, 24 * 9))
    assert.ok(Math.abs(gramsAt(hour)! - daily(hour)) < 1e-6, `${hour}`);
});

test("gramsAt() takes what was forecast by who gave the series, and does not learn from it", () => {
  const told = [...hours(0, 48).map(daily), 7, null, 9];
  const { gramsAt } = new Outlook({ firstHour: 0, gramsPerKwh: told }, 48);
  assert.deepEqual([gramsAt(48), gramsAt(50)], [7, 9]);
  assert.ok(Math.abs(gramsAt(49)! - daily(49)) < 1e-6);
});

test("gramsAt() knows nothing ahead of less than a day, or of a past that ended long ago", () => {
  assert.equal(new Outlook({ firstHour: 0, gramsPerKwh: [1, 2, 3] }, 3).gramsAt(3), undefined);
  const old = { firstHour: 0, gramsPerKwh: hours(0, 72).map(daily) };
  assert.equal(new Outlook(old, 72 + 25).gramsAt(72 + 25), undefined);
});

test("parts() are means over time, and undefined as soon as one is not known", () => {
  const outlook = new Outlook({ firstHour: 10, gramsPerKwh: [100, 200, 300] }, 10);
  assert.deepEqual(outlook.parts(10 * hourMs + hourMs / 2, hourMs, 2), [150, 250]);
  assert.equal(outlook.parts(10 * hourMs, hourMs, 4), undefined);
});
