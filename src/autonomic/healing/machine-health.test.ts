import assert from "node:assert/strict";
import { test } from "node:test";
import { Chance } from "#/base/chance.ts";
import { MachineHealth } from "./machine-health.ts";

const machines = ["m1", "m2", "m3", "m4"];

/** How often one of four machines is charged in 400 tasks, looked at after each, when all fail as often. */
function chargedOf(runs: number, fails: (chance: Chance, machine: string) => boolean): number {
  let charged = 0;
  for (let run = 0; run < runs; run++) {
    const health = new MachineHealth();
    const chance = new Chance(run + 1);
    const others = new Set<string>();
    for (let task = 0; task < 400; task++) {
      const machine = chance.pick(machines);
      if (fails(chance, machine)) health.failed("kind", machine, String(task), 0);
      else health.succeeded("kind", machine, 1000);
      if (!health.charge(machine, machines, others)) continue;
      charged++;
      break;
    }
  }
  return charged;
}

test("a machine is hardly ever charged when all fail as often, however often one looks", () => {
  for (const share of [0.01, 0.05, 0.2, 0.5])
    assert.ok(chargedOf(400, (chance) => chance.happens(share)) <= 8, `of ${share}`);
});

test("a machine is charged when it fails half of what others do well", () => {
  const charged = chargedOf(100, (chance, name) => chance.happens(name === "m4" ? 0.5 : 0.02));
  assert.equal(charged, 100);
});

test("a machine is not charged with one or two failures, or with one task that fails again and again", () => {
  const health = new MachineHealth();
  for (let task = 0; task < 1000; task++) health.succeeded("kind", "m1", 1000);
  for (let time = 0; time < 100; time++) health.failed("kind", "m2", `t${time % 2}`, 0);
  assert.equal(health.charge("m2", machines, new Set()), undefined);
});

test("what failed before a machine is judged anew is not held against it, however late it is said", () => {
  const health = new MachineHealth();
  for (let task = 0; task < 100; task++) health.succeeded("kind", "m1", 1000);
  const fail = () => {
    for (let task = 0; task < 10; task++) health.failed("kind", "m2", String(task), 5);
  };
  fail();
  assert.equal(health.charge("m2", machines, new Set())?.kind, "fails");
  health.forget("m2", 10);
  fail();
  assert.equal(health.charge("m2", machines, new Set()), undefined);
});
