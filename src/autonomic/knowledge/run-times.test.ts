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

  test("takes a machine on which nothing has run to be as slow as it was measured, and then as its tasks show", () => {
    const knowledge = new RunTimeKnowledge();
    knowledge.measured("m1", "fast", 200e6);
    knowledge.measured("m2", "slow", 50e6);
    const ratio = () => knowledge.slownessOf("slow") / knowledge.slownessOf("fast");
    assert.ok(Math.abs(ratio() - 4) < 1e-6);
    assert.ok(Math.abs(knowledge.slowness().get("slow")! - 2) < 1e-6);
    assert.equal(knowledge.slownessOf("never seen"), 1);
    for (let run = 0; run < 400; run++) {
      knowledge.ended(sorts, "fast", 1000);
      knowledge.ended(sorts, "slow", 1000);
    }
    assert.ok(ratio() < 1.2, `its tasks take as long: ${ratio()}`);
    knowledge.measured("m2", "slow", undefined);
    knowledge.measured("m1", "fast", undefined);
    assert.ok(Math.abs(ratio() - 1) < 0.1);
  });

  test("a type that is alone is neither slow nor fast, however its tasks change", () => {
    const knowledge = new RunTimeKnowledge();
    for (let run = 1; run < 200; run++) knowledge.ended(sorts, "only", run * 100);
    assert.ok(Math.abs(knowledge.known(sorts).slowness.get("only")! - 1) < 1e-9);
  });
});
