import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { StepRecord } from "#/model/step.ts";
import { noUsage } from "#/model/usage.ts";
import { foldSteps } from "./steps.ts";

const stepOf = fc
  .record({
    title: fc.constantFrom("map", "sort", "reduce"),
    succeeded: fc.nat(50),
    failed: fc.nat(5),
    left: fc.nat(50),
    closed: fc.boolean(),
    cpuMs: fc.nat(1000),
    costMicros: fc.option(fc.nat(1000), { nil: undefined }),
  })
  .map(({ title, succeeded, failed, left, closed, cpuMs, costMicros }) => ({
    name: "j1/0",
    spec: { name: title, title },
    status: {
      phase: "running",
      offered: succeeded + failed + left,
      closed,
      succeeded,
      failed,
      cancelled: 0,
      reused: 0,
      retried: 0,
      lost: 0,
      usage: { ...noUsage, cpuMs, costMicros },
    },
  }));

describe("foldSteps()", () => {
  it("loses no step, no task and no usage, however they fold", () => {
    fc.assert(
      fc.property(fc.array(stepOf, { maxLength: 20 }), (made) => {
        const steps = made as unknown as StepRecord[];
        const { kinds, tasks, usage } = foldSteps(steps, new Map([["j1/0", 3]]));
        const sum = (read: (step: StepRecord) => number) =>
          steps.reduce((total, step) => total + read(step), 0);
        assert.equal(
          kinds.reduce((total, kind) => total + kind.steps, 0),
          steps.length,
        );
        assert.equal(
          tasks.offered,
          sum(({ status }) => status.offered),
        );
        assert.equal(tasks.waiting + tasks.running + tasks.succeeded + tasks.failed, tasks.offered);
        assert.equal(
          usage.cpuMs,
          sum(({ status }) => status.usage.cpuMs),
        );
        assert.equal(
          tasks.total === undefined,
          steps.some(({ status }) => !status.closed),
        );
        assert.equal(
          usage.costMicros === undefined,
          steps.some(({ status }) => status.usage.costMicros === undefined),
        );
        assert.deepEqual(
          kinds.map(({ title }) => title),
          [...new Set(steps.map(({ spec }) => spec.title))],
        );
      }),
    );
  });
});
