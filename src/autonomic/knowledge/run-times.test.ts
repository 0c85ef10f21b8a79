import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { RunTimeKnowledge } from "./run-times.ts";

const sorts = ["class a", "all"];

describe("RunTimeKnowledge", () => {
  test("remembers the last run times of each sort, and says for how long others have run", () => {
    const knowledge = new RunTimeKnowledge();
    for (let run = 1; run <= 300; run++) knowledge.ended(sorts, "x", run);
    const { sorts: known } = knowledge.known(sorts, new Map([["class a", [42]]]));
    const { endedMs, runningMs } = known.get("class a")!;
    assert.equal(endedMs.length, 256);
    assert.ok(Math.abs(Math.min(...endedMs) - 45) < 1e-6);
    assert.deepEqual(runningMs, [42]);
    assert.equal(knowledge.known(["class b"]).sorts.size, 0);
  });

  test("learns how slow a machine type is from tasks that ran on others too, and takes it out of what it remembers", () => {
    const knowledge = new RunTimeKnowledge();
    for (let run = 0; run < 400; run++) {
      knowledge.ended(sorts, "fast", 1000);
      knowledge.ended(sorts, "slow", 3000);
    }
    const { slowness, sorts: known } = knowledge.known(sorts);
    const ratio = slowness.get("slow")! / slowness.get("fast")!;
    assert.ok(ratio > 2.6 && ratio < 3.2, `it is ${ratio}`);
    const { endedMs } = known.get("class a")!;
    assert.ok(Math.max(...endedMs) / Math.min(...endedMs) < 1.3);
  });

  test("a type that is alone is neither slow nor fast, however its tasks change", () => {
    const knowledge = new RunTimeKnowledge();
    for (let run = 1; run < 200; run++) knowledge.ended(sorts, "only", run * 100);
    assert.ok(Math.abs(knowledge.known(sorts).slowness.get("only")! - 1) < 1e-9);
  });
});
