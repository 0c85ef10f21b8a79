import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { limits } from "#/base/limits.ts";
import type { JobRecord } from "#/model/job.ts";
import type { MachineRecord } from "#/model/machine.ts";
import type { StepRecord } from "#/model/step.ts";
import { hourMs } from "#/model/units.ts";
import { price } from "#/meter/price.ts";
import { spentAtMost, spentBy, type SpendingParts } from "./spending.ts";

const GiB = 2 ** 30;
const rates = { microsPerHour: 1_000_000, idleWatts: 1, peakWatts: 2, pue: 1 };
const capacity = { milliCpus: 4000, memoryBytes: 16 * GiB };

/** A job with one task under way for `ranMs`, which asks for that. */
function running(
  needs: { milliCpus: number; memoryBytes: number },
  driver: "process" | "runner" = "process",
): SpendingParts {
  const spec = { template: { needs: { ...needs, labels: {} }, run: { driver } } };
  return {
    job: { name: "j1", status: {} } as JobRecord,
    steps: [{ name: "j1/0", spec, status: { usage: { costMicros: 0 } } } as unknown as StepRecord],
    running: [{ task: "j1/0/0", machine: "m1", since: 0 }],
    orders: [],
    machine: () => ({ status: { rates, capacity } }) as MachineRecord,
  };
}

describe("spentAtMost()", () => {
  test("is no less than what a task is billed for that uses all that its driver allows it", () => {
    const needs = fc.record({
      milliCpus: fc.integer({ min: 1, max: 4000 }),
      memoryBytes: fc.constantFrom(0, GiB, 16 * GiB),
    });
    fc.assert(
      fc.property(needs, fc.constantFrom("process" as const, "runner" as const), (of, driver) => {
        const allowed = of.memoryBytes || capacity.memoryBytes / 4;
        const memoryBytes = allowed + (driver === "runner" ? limits.runnerMemoryBytes : 0);
        const usage = { startedAt: 0, wallMs: hourMs, cpuMs: 0, memoryBytes };
        const used = { ...usage, readBytes: 0, writtenBytes: 0 };
        const billed = price(used, { ...of, labels: {} }, rates, capacity).costMicros!;
        const parts = running(of, driver);
        assert.ok(spentAtMost(hourMs, parts)! >= billed - 1e-6);
        assert.ok(spentBy(hourMs, parts)! <= spentAtMost(hourMs, parts)!);
      }),
    );
  });

  test("is what was asked for where a task names its memory, or asks for a whole CPU", () => {
    for (const needs of [
      { milliCpus: 100, memoryBytes: GiB / 4 },
      { milliCpus: 1000, memoryBytes: 0 },
    ])
      assert.equal(spentAtMost(hourMs, running(needs)), spentBy(hourMs, running(needs)));
  });
});
