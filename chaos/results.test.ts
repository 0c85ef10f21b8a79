import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { AckedStep } from "./history.ts";
import { faultsOfResults, type StepResults } from "./results.ts";
import { fileOf, moduleSource, resultOf, sha256 } from "./work.ts";

const step: AckedStep = { seed: 7, offered: 3, gives: "value" };
const line = (index: number) => ({ index, result: resultOf(7, index) });

function told(lines: StepResults["lines"], end: Partial<StepResults["end"]> = {}): StepResults {
  const all = { phase: "succeeded", offered: 3, succeeded: 3, failed: 0, cancelled: 0, ...end };
  return { text: "", lines, end: all };
}

describe("faultsOfResults()", () => {
  test("finds nothing wrong with the right result for each task", () => {
    assert.deepEqual(faultsOfResults("j/0", step, told([line(0), line(1), line(2)])), []);
    const files = [0, 1, 2].map((index) => ({
      index,
      result: null,
      outputs: { out: sha256(fileOf(7, index)) },
    }));
    assert.deepEqual(faultsOfResults("j/0", { ...step, gives: "file" }, told(files)), []);
  });

  test("finds a result that is lost, twice there, wrong, an error, or of no task", () => {
    const faults = (...lines: StepResults["lines"]) => faultsOfResults("j/0", step, told(lines));
    assert.match(faults(line(0), line(2))[0]!, /j\/0\/1 has 0 results/);
    assert.match(faults(line(0), line(1), line(1), line(2))[0]!, /j\/0\/1 has 2 results/);
    const wrong = { index: 1, result: resultOf(7, 2) };
    assert.match(faults(line(0), wrong, line(2))[0]!, /j\/0\/1 gave/);
    const error = { index: 1, error: { reason: "machine-lost", message: "" } };
    assert.match(faults(line(0), error, line(2))[0]!, /j\/0\/1 gave .*machine-lost/);
    assert.equal(faults(line(0), line(1), line(2), line(3)).length, 1);
  });

  test("finds counters that do not agree", () => {
    const lines = [line(0), line(1), line(2)];
    for (const end of [{ offered: 4 }, { succeeded: 2 }, { failed: 1 }, { cancelled: 1 }])
      assert.match(faultsOfResults("j/0", step, told(lines, end))[0]!, /counts/);
  });
});

test("resultOf() says what the functions that tasks run give", async () => {
  const module = (await import(
    `data:text/javascript,${encodeURIComponent(moduleSource)}`
  )) as Record<"plain" | "slow", (seed: number, index: number, ms?: number) => Promise<object>>;
  assert.deepEqual(await module.plain(12, 34), resultOf(12, 34));
  assert.deepEqual(await module.slow(999_999, 123, 1), resultOf(999_999, 123));
});
