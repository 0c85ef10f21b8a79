import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { JobRecord } from "#/model/job.ts";
import type { StepRecord, StepStatus } from "#/model/step.ts";
import { noUsage } from "#/model/usage.ts";
import { eta } from "./eta.ts";

const job = {
  kind: "job",
  name: "j1",
  status: { phase: "running", open: false, steps: 1 },
} as unknown as JobRecord;

/** A step of `total` tasks of which those with `doneMs` have finished. */
function step(
  name: string,
  more: { total: number; doneMs: number[]; after?: string[] } & Partial<StepStatus>,
): StepRecord {
  const { total, doneMs, after = [], ...status } = more;
  const runTimes: number[] = [];
  for (const ms of doneMs) {
    const index = ms < 1 ? 0 : Math.floor(Math.log2(ms)) + 1;
    runTimes[index] = (runTimes[index] ?? 0) + 1;
  }
  const wallMs = doneMs.reduce((sum, ms) => sum + ms, 0);
  return {
    kind: "step",
    name: `j1/${name}`,
    spec: {
      name,
      title: name,
      after: after.map((before) => `j1/${before}`),
      template: {
        run: { driver: "process" },
        needs: { milliCpus: 1000, memoryBytes: 0, labels: {} },
      },
    },
    status: {
      phase: "running",
      offered: total,
      closed: true,
      succeeded: doneMs.length,
      failed: 0,
      cancelled: 0,
      usage: { ...noUsage, attempts: doneMs.length, wallMs },
      runTimes: Array.from(runTimes, (tasks) => tasks ?? 0),
      ...status,
    },
  } as unknown as StepRecord;
}

const cpus = (count: number) => ({ milliCpus: count * 1000, memoryBytes: 8e9 });

test("eta() is unknown while no task has finished", () => {
  assert.equal(eta(job, [step("a", { total: 10, doneMs: [] })], [], cpus(2)), undefined);
});

test("eta() spreads what is left over the capacity", () => {
  const found = eta(job, [step("a", { total: 110, doneMs: Array(10).fill(100) })], [], cpus(4))!;
  assert.ok(found.lowMs < 2500 && 2500 < found.highMs, JSON.stringify(found));
  assert.ok(Math.abs(found.likelyMs - 2540) < 50, JSON.stringify(found));
});

test("eta() of a chain is its length, whatever the capacity", () => {
  const steps = [
    step("a", { total: 2, doneMs: [1000] }),
    step("b", { total: 1, doneMs: [], after: ["a"], phase: "blocked" }),
    step("c", { total: 1, doneMs: [], after: ["b"], phase: "blocked" }),
  ];
  const found = eta(job, steps, [], cpus(64))!;
  assert.ok(Math.abs(found.likelyMs - 3000) < 1000, JSON.stringify(found));
  assert.ok(found.lowMs < found.likelyMs && found.likelyMs < found.highMs);
});

test("eta() takes off what running tasks have done", () => {
  const steps = [step("a", { total: 5, doneMs: [1000, 1000, 1000, 1000] })];
  const fresh = eta(job, steps, [{ task: "j1/a/4", ranMs: 0 }], cpus(2))!;
  const late = eta(job, steps, [{ task: "j1/a/4", ranMs: 900 }], cpus(2))!;
  assert.ok(late.likelyMs < fresh.likelyMs / 2, `${late.likelyMs} of ${fresh.likelyMs}`);
});

test("eta() says when more may come", () => {
  const open = { ...job, status: { ...job.status, open: true } };
  const list = step("a", { total: 10, doneMs: [5, 5], closed: false });
  assert.equal(eta(open, [step("a", { total: 10, doneMs: [5, 5] })], [], cpus(2))!.partial, true);
  assert.equal(eta(job, [list], [], cpus(2))!.partial, true);
  assert.equal(eta(job, [step("a", { total: 10, doneMs: [5, 5] })], [], cpus(2))!.partial, false);
});

test("eta() has the true end between low and high about nine times in ten", () => {
  let within = 0;
  let runs = 0;
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: -2, max: 2, noNaN: true }), { minLength: 60, maxLength: 60 }),
      fc.integer({ min: 2, max: 8 }),
      (exponents, slots) => {
        const wallMs = exponents.map((exponent) => 100 * Math.exp(exponent / 2));
        const done = wallMs.slice(0, 15);
        const left = wallMs.slice(15);
        const free: number[] = Array(slots).fill(0);
        for (const ms of left) {
          const first = free.indexOf(Math.min(...free));
          free[first]! += ms;
        }
        const found = eta(job, [step("a", { total: 60, doneMs: done })], [], cpus(slots))!;
        assert.ok(found.lowMs <= found.likelyMs && found.likelyMs <= found.highMs);
        const end = Math.max(...free);
        runs++;
        if (found.lowMs <= end && end <= found.highMs) within++;
      },
    ),
    { numRuns: 400, seed: 7 },
  );
  assert.ok(within / runs > 0.85, `${within} of ${runs}`);
});
