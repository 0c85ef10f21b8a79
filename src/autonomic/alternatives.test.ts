import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { PlanSpec } from "#/model/plan.ts";
import type { Offer } from "#/model/site.ts";
import { toldBelief } from "#/planning/mix/beliefs.ts";
import { alternativesOf } from "./alternatives.ts";
import { propose } from "./propose.ts";
import { offer } from "./testing/planning.ts";

const minuteMs = 60_000;
const needs = { milliCpus: 1000, memoryBytes: 0, labels: {} };
const kind = { kind: "k", tasks: 400, ...toldBelief(minuteMs), needs, driver: "process" };
const demand = { kinds: [{ ...kind, seen: "told" as const }], chainMs: 0 };
const goal = { deadlineMs: 40 * minuteMs, objective: "cost" } as const;

const barredByPolicy = ({ name }: Offer) =>
  name === "barred" ? "the policy forbids it" : undefined;

function planned(offers: readonly Offer[]) {
  const found = propose(demand, goal, [], offers, barredByPolicy);
  assert.ok("predicted" in found, JSON.stringify(found));
  return found;
}

async function flipsOf(offers: readonly Offer[]): Promise<Map<string, readonly string[]>> {
  // As it is read from the log.
  const stored = JSON.parse(JSON.stringify(planned(offers))) as PlanSpec;
  const found = await Array.fromAsync(alternativesOf(stored, async () => true));
  return new Map(found.map(({ line, flips }) => [line.offer, flips]));
}

const isTaken = (name: string, offers: readonly Offer[]) =>
  planned(offers).considered.some((line) => line.offer === name && line.count > 0);

const numberIn = (sentence: string | undefined, pattern: RegExp) =>
  Math.round(Number(pattern.exec(sentence ?? "")?.[1]) * 1e6);

describe("alternativesOf()", () => {
  test("names prices that make a new plan decide otherwise, and no less does", async () => {
    const own = offer("own");
    const dear = offer("dear", { microsPerHour: 600_000 });
    const flips = await flipsOf([own, dear]);
    const below = flips.get("dear")!.find((one) => one.includes("an hour or less"));
    const to = numberIn(below, /at ([\d.]+) an hour/);
    assert.ok(!isTaken("dear", [own, dear]));
    assert.ok(isTaken("dear", [own, { ...dear, microsPerHour: to }]));
    assert.ok(!isTaken("dear", [own, { ...dear, microsPerHour: to + 1 }]));
    const above = flips.get("own")!.find((one) => one.includes("an hour or more"));
    const from = numberIn(above, /at ([\d.]+) an hour/);
    assert.ok(!isTaken("own", [{ ...own, microsPerHour: from }, dear]));
    assert.ok(isTaken("own", [{ ...own, microsPerHour: from - 1 }, dear]));
  });

  test("says from which price on an unknown one would do, and what the end of what keeps one out would do", async () => {
    const own = offer("own");
    const unknown = offer("unknown", { microsPerHour: undefined });
    const gone = offer("gone", { countMax: 0, microsPerHour: 100_000 });
    const barred = offer("barred", { microsPerHour: 100_000 });
    const flips = await flipsOf([own, unknown, gone, barred]);
    const [price] = flips.get("unknown")!;
    assert.match(price!, /^with a known price of .* an hour or less it would be taken$/);
    const to = numberIn(price, /of ([\d.]+) an hour/);
    const known = (microsPerHour: number) => [own, { ...unknown, microsPerHour }, gone, barred];
    assert.ok(isTaken("unknown", known(to)) && !isTaken("unknown", known(to + 1)));
    assert.match(flips.get("gone")![0]!, /^with 1 of it or more it would be taken: there are 0$/);
    assert.deepEqual(flips.get("barred"), ["were it allowed, it would be taken"]);
  });

  test("stops when it may not go on", async () => {
    const stored = planned([offer("a"), offer("b")]) as unknown as PlanSpec;
    const questions = async (most: number) => {
      let left = most;
      const found = await Array.fromAsync(alternativesOf(stored, async () => left-- > 0));
      return { found: found.length, asked: most - Math.max(0, left) };
    };
    assert.equal((await questions(1)).found, 0);
    const { found, asked } = await questions(1000);
    assert.equal(found, 2);
    assert.equal((await questions(asked - 1)).found, 1);
  });
});
