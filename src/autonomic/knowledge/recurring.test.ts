import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Arrival } from "./arrivals.ts";
import { recurringOf } from "./recurring.ts";

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

function arrival(title: string, at: number, more: object = {}): Arrival {
  const spec = {
    title,
    submittedBy: "t",
    submittedAt: at,
    priority: 0,
    onFailure: "stop",
  } as const;
  return { at, project: "p", spec: { ...spec, ...more }, steps: [] };
}

const nightly = (days: number, offMs: (day: number) => number = () => 0) =>
  Array.from({ length: days }, (_, day) => arrival("nightly", day * dayMs + offMs(day)));

describe("recurringOf()", () => {
  test("foretells what came at equal distances, and nothing else", () => {
    const others = [1, 7, 31, 33, 80].map((hour) => arrival("now and then", hour * hourMs));
    const all = [...nightly(5, (day) => day * 1000), ...others].sort((a, b) => a.at - b.at);
    const [found, ...more] = recurringOf(all, 4.5 * dayMs);
    assert.deepEqual(more, []);
    assert.deepEqual([found!.title, found!.times, found!.everyMs], ["nightly", 5, dayMs + 1000]);
    assert.equal(found!.at, 5 * dayMs + 5000);
  });

  test("needs to have seen it often enough, and regularly", () => {
    assert.deepEqual(recurringOf(nightly(3), 2.5 * dayMs), []);
    const wild = nightly(8, (day) => (day % 3) * 20 * 60_000);
    assert.deepEqual(recurringOf(wild, 7.5 * dayMs), []);
  });

  test("gives up one that has not come", () => {
    assert.equal(recurringOf(nightly(5), 5 * dayMs + 60_000).length, 1);
    assert.deepEqual(recurringOf(nightly(5), 5 * dayMs + hourMs), []);
  });

  test("leaves out jobs that keep a goal of their own, and what comes all the time", () => {
    const withGoal = nightly(5).map((one) => arrival("nightly", one.at, { goal: { plan: "p" } }));
    assert.deepEqual(recurringOf(withGoal, 4.5 * dayMs), []);
    const often = Array.from({ length: 9 }, (_, number) => arrival("often", number * 60_000));
    assert.deepEqual(recurringOf(often, 9 * 60_000), []);
  });
});
