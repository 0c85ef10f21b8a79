import assert from "node:assert/strict";
import { test } from "node:test";
import { Chance } from "#/base/chance.ts";
import { limits } from "#/base/limits.ts";
import { MachineHealth } from "./machine-health.ts";

const machines = ["m1", "m2", "m3", "m4"];
/** Each is of its own. */
const types = new Map(machines.map((name) => [name, name]));

/** How often one of four machines is charged in 400 tasks, looked at after each, when all fail as often. */
function chargedOf(runs: number, fails: (chance: Chance, machine: string) => boolean): number {
  let charged = 0;
  for (let run = 0; run < runs; run++) {
    const health = new MachineHealth();
    const chance = new Chance(run + 1);
    for (let task = 0; task < 400; task++) {
      const machine = chance.pick(machines);
      if (fails(chance, machine)) health.failed("kind", machine, String(task), 0);
      else health.succeeded("kind", machine, 1000);
      if (!health.judge(types)(machine)) continue;
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
  assert.equal(health.judge(types)("m2"), undefined);
});

test("what failed before a machine is judged anew is not held against it, however late it is said", () => {
  const health = new MachineHealth();
  for (let task = 0; task < 100; task++) health.succeeded("kind", "m1", 1000);
  const fail = () => {
    for (let task = 0; task < 10; task++) health.failed("kind", "m2", String(task), 5);
  };
  fail();
  assert.equal(health.judge(types)("m2")?.kind, "fails");
  health.forget("m2", 10);
  fail();
  assert.equal(health.judge(types)("m2"), undefined);
});

test("a failure counts once, however often and late it is said again, and no longer than others", () => {
  const health = new MachineHealth();
  const halfMs = limits.misbehaviourMs / 2;
  const startAt = 1_000_000;
  let nowMs = 0;
  const pass = () => {
    nowMs += halfMs;
    health.pass(nowMs, startAt + nowMs);
    for (let task = 0; task < 60; task++) health.succeeded("kind", "m1", 1000);
  };
  const fail = (tasks: number, at: number) => {
    for (let task = 0; task < tasks; task++) health.failed("kind", "m4", `t${task}`, at);
  };
  const failures = () =>
    /^(\d+) of the last/.exec(health.judge(types)("m4")?.reason ?? "0 of the last")?.[1];
  pass();
  const at = startAt + nowMs + 1000;
  fail(limits.misbehaviourMin, at);
  assert.equal(failures(), String(limits.misbehaviourMin));
  pass();
  fail(limits.misbehaviourMin, at);
  assert.equal(failures(), String(limits.misbehaviourMin), "said again in the next half");
  pass();
  fail(limits.misbehaviourMin, at);
  assert.equal(failures(), "0", "said again when it was long ago");
  fail(limits.misbehaviourMin, startAt + nowMs);
  pass();
  fail(limits.misbehaviourMin, startAt + nowMs);
  assert.equal(failures(), String(limits.misbehaviourMin), "they failed there once more");
  pass();
  assert.equal(failures(), String(limits.misbehaviourMin), "and count from then on");
});

test("all machines of a large cloud are judged by reading what ended on them once", () => {
  const health = new MachineHealth();
  const many = Array.from({ length: 300 }, (_, number) => `m${number}`);
  for (let kind = 0; kind < 60; kind++)
    for (const [number, machine] of many.entries())
      for (let task = 0; task < 3; task++)
        if (number === 7) health.failed(`k${kind}`, machine, `${task}`, 0);
        else health.succeeded(`k${kind}`, machine, number === 9 ? 9_000 : 1_000);
  let reads = 0;
  const types = new Map(many.map((name) => [name, "same"]));
  const counted = new Proxy(types, {
    get: (map, key) => {
      const value: unknown = Reflect.get(map, key, map);
      if (typeof value !== "function") return value;
      return (...given: unknown[]) => (reads++, Reflect.apply(value, map, given) as unknown);
    },
  });
  const judge = health.judge(counted);
  const charged = many.flatMap((name) => judge(name) ?? []);
  assert.deepEqual(
    charged.map(({ kind }) => kind),
    ["fails", "slow"],
  );
  // One for each kind on each machine, and a few for each machine; not one for each pair of machines.
  assert.ok(reads < 60 * 300 + 10 * 300, `${reads} reads`);
});
