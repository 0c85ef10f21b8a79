import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { limits } from "#/base/limits.ts";
import { Fairness, type Share } from "./fairness.ts";
import { Rig } from "./testing/rig.ts";

/** Serves the one with the lowest rank, `rounds` times. */
function serveByRank(
  fairness: Fairness,
  shares: Share[],
  rounds: number,
  costOf: (share: Share) => number,
  onServed: () => void = () => {},
): Map<Share, number> {
  const used = new Map(shares.map((share) => [share, 0]));
  for (let round = 0; round < rounds; round++) {
    const [next] = shares.toSorted((a, b) => fairness.rank(a, 0) - fairness.rank(b, 0));
    fairness.serve(next!);
    const cpuMs = costOf(next!);
    fairness.charge(next!, cpuMs);
    used.set(next!, used.get(next!)! + cpuMs);
    onServed();
  }
  return used;
}

describe("Fairness", () => {
  test("keeps use by weight within one task of each other, whatever the tasks cost", () => {
    const cost = fc.integer({ min: 1, max: 100 });
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            weight: fc.integer({ min: 1, max: 8 }),
            costs: fc.array(cost, { minLength: 1, maxLength: 5 }),
          }),
          {
            minLength: 2,
            maxLength: 5,
          },
        ),
        (projects) => {
          const fairness = new Fairness();
          const shares = projects.map(({ weight }, index) => fairness.share(`p${index}`, weight));
          for (const share of shares) fairness.enter(share, 0);
          const rounds = new Map(shares.map((share) => [share, 0]));
          const costOf = (share: Share) => {
            const { costs } = projects[shares.indexOf(share)]!;
            const round = rounds.get(share)!;
            rounds.set(share, round + 1);
            return costs[round % costs.length]!;
          };
          const most = projects.map(({ weight, costs }) => Math.max(...costs) / weight);
          for (let turn = 0; turn < 20; turn++) {
            serveByRank(fairness, shares, 5, costOf);
            shares.forEach((a, i) =>
              shares.forEach((b, j) => {
                const apart = Math.abs(a.virtualMs - b.virtualMs);
                assert.ok(
                  apart <= most[i]! + most[j]! + 1e-6,
                  `${apart} > ${most[i]} + ${most[j]}`,
                );
              }),
            );
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  test("starts a project that was idle where the others are", () => {
    const fairness = new Fairness();
    const a = fairness.share("a", 1);
    const b = fairness.share("b", 1);
    fairness.enter(a, 0);
    serveByRank(fairness, [a], 100, () => 1000);
    fairness.enter(b, 0);
    const used = serveByRank(fairness, [a, b], 100, () => 1000);
    assert.ok(Math.abs(used.get(a)! - used.get(b)!) <= 2000);
  });

  test("starts it where the others have come to by the clock, too", () => {
    const fairness = new Fairness();
    const a = fairness.share("a", 1);
    const b = fairness.share("b", 1);
    fairness.enter(a, 0);
    fairness.serve(a);
    fairness.hold(a, 4, 0);
    fairness.enter(b, 3_600_000);
    assert.equal(b.virtualMs, a.virtualMs);
    assert.ok(fairness.rank(b, 3_600_000) < fairness.rank(a, 3_600_000));
  });

  test("lets a project that could not use its share make up for limits.shareCreditMs of it at most", () => {
    const fairness = new Fairness();
    const a = fairness.share("a", 1);
    const b = fairness.share("b", 1);
    fairness.enter(a, 0);
    fairness.enter(b, 0);
    for (let round = 0; round < 1000; round++) {
      fairness.serve(a); // b has tasks, and no machine for them
      fairness.charge(a, 1000);
    }
    const used = serveByRank(fairness, [a, b], 100, () => 1000);
    assert.ok(
      used.get(b)! - used.get(a)! <= limits.shareCreditMs + 3000,
      `${used.get(b)} ${used.get(a)}`,
    );
  });

  test("divides what runs right now by weight, of tasks that last", async () => {
    const rig = await Rig.open((rig) => {
      rig.machine("m1", { cpus: 12 });
      rig.project("light", 1);
      rig.project("heavy", 3);
      rig.step("j1/0", 100, { project: "light" });
      rig.step("j2/0", 100, { project: "heavy" });
    });
    const agent = rig.agent("m1");
    const taken = await agent.pull();
    assert.equal(taken.filter((task) => task.startsWith("j2")).length, 9);
    assert.equal(taken.filter((task) => task.startsWith("j1")).length, 3);
  });

  test("divides by time and not by number: the project with long tasks gets fewer of them", async () => {
    const rig = await Rig.open((rig) => {
      rig.machine("m1", { cpus: 2 });
      rig.step("j1/0", 2000, { project: "short" });
      rig.step("j2/0", 2000, { project: "long" });
    });
    const agent = rig.agent("m1");
    const usedMs = { j1: 0, j2: 0 };
    await agent.pull();
    for (let round = 0; round < 200; round++) {
      await rig.clock.advance(100);
      agent.beat();
      const isLong = (task: string) => task.startsWith("j2");
      const due = agent.held.filter(({ task }) => !isLong(task) || round % 5 === 4);
      for (const { task } of due) usedMs[isLong(task) ? "j2" : "j1"] += isLong(task) ? 500 : 100;
      await agent.finish(
        due.filter(({ task }) => isLong(task)),
        {},
        500,
      );
      await agent.finish(
        due.filter(({ task }) => !isLong(task)),
        {},
        100,
      );
      await agent.pull();
    }
    const ratio = usedMs.j1 / usedMs.j2;
    assert.ok(ratio > 0.7 && ratio < 1.4, `${usedMs.j1} to ${usedMs.j2}`);
  });

  test("follows a weight that is changed", async () => {
    const rig = await Rig.open((rig) => {
      rig.machine("m1", { cpus: 8 });
      rig.project("a", 1);
      rig.project("b", 1);
      rig.step("j1/0", 100, { project: "a" });
      rig.step("j2/0", 100, { project: "b" });
    });
    rig.project("a", 3);
    await rig.clock.advance(0);
    const taken = await rig.agent("m1").pull();
    assert.equal(taken.filter((task) => task.startsWith("j1")).length, 6);
  });
});
