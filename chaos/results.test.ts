import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Chance } from "#/base/testing/chance.ts";
import { Door } from "./door.ts";
import type { AckedStep } from "./history.ts";
import { faultsOfFiles, faultsOfResults, type StepResults } from "./results.ts";
import { serve } from "./testing/serve.ts";
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

test("faultsOfFiles() finds files that are not there, or not what the tasks left", async (t) => {
  const files = new Map([0, 1, 2].map((index) => [sha256(fileOf(7, index)), fileOf(7, index)]));
  const { url } = await serve(t, (call) => {
    const text = files.get(call.split("/").at(-1)!);
    const headers = { "content-type": "application/octet-stream" };
    return text === undefined ? { status: 404 } : { status: 200, text, headers };
  });
  const door = new Door([url], "key", new Chance(1));
  const keys = [...files.keys()];
  const lines = keys.map((out, index) => ({ index, result: null, outputs: { out } }));
  const faults = () => faultsOfFiles(door, "j/0", { ...step, gives: "file" }, told(lines));
  assert.deepEqual(await faults(), []);
  files.set(keys[1]!, "other");
  assert.match((await faults()).join(), /^the file of task j\/0\/1 is not what it left: 200$/);
  files.delete(keys[2]!);
  assert.equal((await faults()).length, 2);
});

test("resultOf() says what the functions that tasks run give", async () => {
  const module = (await import(
    `data:text/javascript,${encodeURIComponent(moduleSource)}`
  )) as Record<"plain" | "slow", (seed: number, index: number, ms?: number) => Promise<object>>;
  assert.deepEqual(await module.plain(12, 34), resultOf(12, 34));
  assert.deepEqual(await module.slow(999_999, 123, 1), resultOf(999_999, 123));
});
