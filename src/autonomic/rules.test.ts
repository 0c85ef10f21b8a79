import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { CanopyError } from "#/base/errors.ts";
import type { AutonomicPolicy } from "#/model/policy.ts";
import type { Offer } from "#/model/site.ts";
import { rulesOf } from "./rules.ts";

const noon = Date.UTC(2030, 0, 1, 12); // a Tuesday

function policy(more: Partial<AutonomicPolicy> = {}): AutonomicPolicy {
  return { type: "autonomic", timeZone: "UTC", autonomy: { buy: "act", release: "act" }, ...more };
}

function offer(more: Partial<Offer> = {}): Offer {
  return {
    site: "lab",
    name: "large",
    capacity: { milliCpus: 4000, memoryBytes: 2 ** 33 },
    labels: { gpu: "a100" },
    market: "spot",
    zone: "eu-1",
    microsPerHour: 400_000,
    priceGranularityMs: 1000,
    billedMsMin: 0,
    idleWatts: undefined,
    peakWatts: undefined,
    pue: undefined,
    gramsPerKwh: undefined,
    bootMs: undefined,
    interruptionsPerHour: 0.1,
    countMax: 1,
    ...more,
  };
}

const asked = async (more: Partial<AutonomicPolicy>, of: Partial<Offer> = {}, at = noon) =>
  (await rulesOf(policy(more))).allowed(offer(of), "nightly", at);

describe("rulesOf()", () => {
  test("allows everything without a policy", async () => {
    const rules = await rulesOf(undefined);
    assert.equal(rules.allowed(offer(), "t", noon), undefined);
    assert.equal(rules.level("buy"), "act");
    assert.deepEqual(rules.goalOf({}), { objective: "cost" });
  });

  test("says which statement forbids an offer", async () => {
    assert.equal(await asked({ sites: ["aws"] }), "the policy allows only aws");
    assert.equal(await asked({ sitesNever: ["lab"] }), "the policy forbids its site");
    assert.equal(await asked({ markets: ["on-demand"] }), "the policy allows no spot");
    const quiet = { days: [2], from: "11:00", to: "13:00" };
    assert.equal(await asked({ quiet }), "the policy buys nothing from 11:00 to 13:00 UTC");
    assert.equal(await asked({ quiet }, {}, noon + 2 * 3_600_000), undefined);
  });

  test("says what of its needs an offer does not meet", async () => {
    const needs = { cpus: 4, memoryBytes: 2 ** 33, labels: { gpu: "a100" } };
    assert.equal(await asked({ needs }), undefined);
    const small = { capacity: { milliCpus: 2000, memoryBytes: 2 ** 32 } };
    assert.equal(
      await asked({ needs }, small),
      "the policy needs machines of 4 CPUs or more: it has 2",
    );
    const { cpus: _, ...memory } = needs;
    assert.equal(
      await asked({ needs: memory }, small),
      "the policy needs machines of 8GiB or more: it has 4GiB",
    );
    assert.equal(
      await asked({ needs }, { labels: {} }),
      "the policy needs machines that are labelled gpu=a100",
    );
  });

  test("asks the condition about offer and job", async () => {
    const where = `offer.zone.startsWith("eu-") && offer.perHour < 1.0 && offer.labels["gpu"] == "a100" && job.title == "nightly"`;
    assert.equal(await asked({ where }), undefined);
    assert.match(
      (await asked({ where }, { zone: "us-1" }))!,
      /^the policy's condition is not met: offer.zone/,
    );
    assert.match((await asked({ where: "offer.cpus" }))!, /it is neither true nor false/);
  });

  test("takes an unknown price for unknown, and not for zero", async () => {
    const unknown = { microsPerHour: undefined };
    assert.match((await asked({ where: "offer.perHour < 1.0" }, unknown))!, /cannot be told of it/);
    assert.equal(await asked({ where: "!has(offer.perHour)" }, unknown), undefined);
  });

  test("refuses a condition that is no CEL", async () => {
    await assert.rejects(rulesOf(policy({ where: "offer..zone <" })), (thrown) => {
      assert.ok(thrown instanceof CanopyError && thrown.code === "invalid");
      return true;
    });
  });

  test("fills in what a job does not ask for, and refuses what is beyond the bounds", async () => {
    const rules = await rulesOf(
      policy({
        deadlineMs: 3_600_000,
        budgetMicros: 5e6,
        deadlineMsMax: 7_200_000,
        budgetMicrosMax: 1e7,
      }),
    );
    assert.deepEqual(rules.goalOf({ objective: "time" }), {
      objective: "time",
      deadlineMs: 3_600_000,
      budgetMicros: 5e6,
    });
    assert.throws(
      () => rules.goalOf({ deadlineMs: 9_000_000 }),
      /deadlines up to 2h: 2h30m was asked for/,
    );
    assert.throws(
      () => rules.goalOf({ budgetMicros: 2e7 }),
      /budgets up to 10.00: 20.00 was asked for/,
    );
  });
});
