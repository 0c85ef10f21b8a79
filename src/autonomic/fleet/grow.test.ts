import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { FleetPolicy } from "#/model/policy.ts";
import { machine, offer } from "../testing/planning.ts";
import { grow } from "./grow.ts";
import type { FleetMachine, WaitingKind } from "./starts.ts";

const policy: FleetPolicy = {
  waitMsMax: 120_000,
  machinesMin: 0,
  machinesMax: 20,
  idleMs: 120_000,
};
const here: FleetMachine = { ...machine(2), busy: [] };
const large = offer("large", { bootMs: { median: 5_000, p90: 10_000 } });

function kind(name: string, more: Partial<WaitingKind>): WaitingKind {
  return {
    kind: name,
    needs: { milliCpus: 1000, memoryBytes: 0, labels: {} },
    driver: "process",
    tasks: 6,
    runMs: 60_000,
    oldest: { ageMs: 0, tasks: 6 },
    ...more,
  };
}

const never = kind("never", { needs: { milliCpus: 1000, memoryBytes: 0, labels: { gpu: "yes" } } });
const asked = (kinds: WaitingKind[]) =>
  grow({
    policy,
    objective: "cost",
    kinds,
    machines: [here],
    offers: [large],
    owned: 0,
    hourMicros: 0,
  });

describe("grow()", () => {
  test("leaves out what nothing can run, and says so", () => {
    assert.deepEqual(asked([kind("k", {})]), { type: "enough" });
    const growth = asked([kind("k", {}), never]);
    assert.equal(growth.type, "short");
    assert.ok(growth.type === "short");
    assert.deepEqual(growth.short, []);
    assert.equal(growth.why.at(-1), "6 tasks of never: no offer can run them in time");
  });

  test("buys for what came first and cannot wait as long, whatever else waits in vain", () => {
    const old = kind("k", { oldest: { ageMs: 100_000, tasks: 6 } });
    for (const kinds of [[old], [old, never]]) {
      const growth = asked(kinds);
      assert.ok(growth.type === "buy", growth.type);
      assert.deepEqual(growth.parts, [{ site: "lab", offer: "large", count: 1 }]);
    }
  });
});
