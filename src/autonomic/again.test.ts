import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { noUsage } from "#/model/usage.ts";
import { Retries, withRetries } from "./again.ts";
import { propose } from "./propose.ts";
import { demand, machine } from "./testing/planning.ts";

const belief = { meanMs: 1000, meanHighMs: 1200, longMs: 2000 };

describe("withRetries()", () => {
  test("counts a run more for each that fails, and one more for the task that begins last", () => {
    const found = withRetries(belief, 0.2, undefined);
    assert.deepEqual(found, { meanMs: 1250, meanHighMs: 1500, longMs: 3200 });
    assert.equal(withRetries(belief, 0.005, undefined).longMs, belief.longMs);
  });

  test("runs a whole gang again with any of its tasks", () => {
    const gang = { atOnce: 8, isWhole: true };
    assert.ok(
      withRetries(belief, 0.05, gang).meanMs > withRetries(belief, 0.05, undefined).meanMs * 1.4,
    );
    assert.ok(withRetries(belief, 0.005, gang).longMs > belief.longMs);
  });

  test("never makes anything shorter, nor endless", () => {
    const share = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(share, share, fc.option(fc.integer({ min: 1, max: 500 })), (a, b, atOnce) => {
        const gang = atOnce === null ? undefined : { atOnce, isWhole: true };
        const [few, many] = [Math.min(a, b), Math.max(a, b)].map((of) =>
          withRetries(belief, of, gang),
        );
        for (const key of ["meanMs", "meanHighMs", "longMs"] as const)
          assert.ok(
            belief[key] <= few![key] && few![key] <= many![key] && many![key] <= 12 * belief[key],
          );
      }),
    );
  });
});

test("Retries are what was seen, and what was believed before counts as twenty attempts", () => {
  const retries = new Retries();
  assert.equal(retries.share(0.5), 0.5);
  retries.add({ retried: 30, usage: { ...noUsage, attempts: 80 } });
  assert.equal(retries.share(), 0.3);
  assert.equal(retries.share(0.5), 0.4);
});

test("a plan counts what will have to run again", () => {
  const of = (retried: number) => {
    const { kinds, chainMs } = demand(100, 60_000);
    const found = propose(
      { kinds: kinds.map((kind) => ({ ...kind, retried })), chainMs },
      { objective: "cost" },
      [machine(4)],
      [],
    );
    assert.ok("predicted" in found);
    return found.predicted.finishMs.likely;
  };
  assert.ok(of(0.2) >= 1.2 * of(0));
});
