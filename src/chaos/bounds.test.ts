import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { policyOf } from "#/model/policy.ts";
import type { ChaosTarget, HitSpec } from "#/model/game-day.ts";
import type { ChaosPolicy } from "#/model/policy.ts";
import { Fleet } from "./testing/fleet.ts";

const some = <T>(list: readonly T[]) => fc.subarray([...list], { minLength: 1 });

const policies: fc.Arbitrary<Partial<ChaosPolicy>> = fc.record({
  targets: some<ChaosTarget>(["task", "agent", "machine"]),
  hitsMax: fc.integer({ min: 1, max: 12 }),
  hitsAtOnceMax: fc.integer({ min: 1, max: 4 }),
  machineShareMax: fc.double({ min: 0, max: 1, noNaN: true }),
  lastMachine: fc.boolean(),
  neighbours: fc.boolean(),
  jobs: fc.constantFrom([], ["nightly-*"], ["nightly-1", "x"]),
  jobsNever: fc.constantFrom([], ["*-2"]),
  labels: fc.constantFrom({}, { room: "*" }, { room: "a" }),
  labelsNever: fc.constantFrom({}, { critical: "yes" }),
  hours: fc.constantFrom({ days: [1, 2, 3, 4, 5, 6, 7], from: "00:01", to: "00:02" }, undefined),
  gapMs: fc.integer({ min: 0, max: 5_000 }),
}) as fc.Arbitrary<Partial<ChaosPolicy>>;

const machines = fc.array(
  fc.record({
    labels: fc.constantFrom<Record<string, string>[]>(
      {},
      { room: "a" },
      { room: "b", critical: "yes" },
      { room: "b" },
    ),
    faults: fc.constantFrom<ChaosTarget[]>(["task", "agent", "machine"], ["task", "machine"], []),
    cordoned: fc.boolean(),
  }),
  { minLength: 1, maxLength: 6 },
);

const jobs = fc.array(
  fc.record({
    tasks: fc.integer({ min: 1, max: 8 }),
    project: fc.constantFrom("p", "p", "other"),
    lost: fc.constantFrom(0, 0, 2, 3),
    title: fc.constantFrom("nightly-1", "nightly-2", "x"),
  }),
  { maxLength: 4 },
);

/** What the fleet itself knows at the moment of a hit, against the policy: shares no code with the room. */
function requireWithin(fleet: Fleet, policy: ChaosPolicy, spec: HitSpec, before: HitSpec[]): void {
  const { space, seats } = fleet;
  const machine = space.get("machine", spec.machine)!;
  const say = `${spec.target} ${spec.subject}`;
  assert.ok(policy.targets.includes(spec.target), say);
  assert.ok(before.length < policy.hitsMax, `${say}: too many`);
  const isOpen = (name: string) => space.get("hit", name)!.status.phase === "open";
  const open = before.filter((_, number) => isOpen(`p/g1/${number}`));
  assert.ok(open.length < policy.hitsAtOnceMax, `${say}: ${open.length} open already`);
  const last = before.at(-1);
  if (last) assert.ok(spec.at - last.at >= policy.gapMs, `${say}: too soon`);
  if (policy.hours) assert.equal(new Date(spec.at).getUTCMinutes(), 1, `${say}: out of hours`);
  assert.ok(machine.status.faults!.includes(spec.target), `${say}: its agent cannot`);
  if ("room" in policy.labels) {
    assert.ok(machine.spec.labels["room"] !== undefined, `${say}: label`);
    if (policy.labels["room"] === "a") assert.equal(machine.spec.labels["room"], "a");
  }
  if ("critical" in policy.labelsNever) assert.notEqual(machine.spec.labels["critical"], "yes");
  for (const { task } of spec.victims) {
    const { project } = space.get("task", task)!;
    const { title } = space.get("job", task.split("/")[0]!)!.spec;
    if (spec.target === "task" || !policy.neighbours) assert.equal(project, "p", `${say}: ${task}`);
    if (project !== "p") continue;
    if (policy.jobs.length === 1) assert.match(title, /^nightly-/, say);
    if (policy.jobs.length === 2) assert.match(title, /^(nightly-1|x)$/, say);
    if (policy.jobsNever.length > 0) assert.doesNotMatch(title, /-2$/, say);
    const { lost = 0 } = space.get("task", task)!.status;
    if (spec.target !== "task") assert.ok(lost < 3, `${say}: one of its last chances`);
  }
  if (spec.target === "task") return;
  const struck = open.filter(({ target }) => target !== "task");
  const connected = [...seats].filter(([, seat]) => seat.connected);
  const most = Math.max(1, Math.floor(policy.machineShareMax * seats.size));
  assert.ok(
    struck.length + 1 <= most,
    `${say}: ${struck.length} of ${seats.size} machines are down`,
  );
  const healthy = connected.filter(
    ([name]) =>
      name !== spec.machine &&
      !space.get("machine", name)!.spec.cordoned &&
      !struck.some((other) => other.machine === name),
  );
  if (!policy.lastMachine) assert.ok(healthy.length > 0, `${say}: the last healthy one`);
}

describe("the bounds of a policy", () => {
  test("are never crossed, whatever the policy, the machines, the jobs and the seed", async () => {
    let hits = 0;
    await fc.assert(
      fc.asyncProperty(policies, machines, jobs, fc.nat(), async (policy, there, work, seed) => {
        const fleet = await Fleet.open();
        there.forEach((machine, index) => fleet.machine(`m${index}`, machine));
        work.forEach(({ tasks, ...more }, index) => fleet.job(`j${index}`, tasks, more));
        fleet.policy(policy);
        const whole = policyOf(fleet.space.get("policy", "p/chaos"), "chaos")!;
        const before: HitSpec[] = [];
        const faults: unknown[] = [];
        fleet.space.onApplied((changes) => {
          for (const { record } of changes) {
            if (record.kind !== "hit" || record.revision > 1) continue;
            try {
              requireWithin(fleet, whole, record.spec, before);
            } catch (thrown) {
              faults.push(thrown);
            }
            before.push(record.spec);
          }
        });
        await fleet.gameDay({ forMs: 150_000, everyMs: 1_500, seed: seed % 2 ** 31 });
        await fleet.clock.advance(240_000);
        if (faults.length > 0) throw faults[0];
        hits += before.length;
        assert.equal(fleet.day().status.phase, "ended");
        for (const hit of fleet.hits()) {
          assert.ok(["healed", "missed"].includes(hit.status.phase), hit.status.phase);
          assert.deepEqual(hit.status.lost, []);
        }
      }),
      { numRuns: 60 },
    );
    assert.ok(hits > 15, `only ${hits} hits were tried`);
  });

  test("hold at once when the policy becomes stricter", async () => {
    const fleet = await Fleet.open();
    for (const name of ["m1", "m2", "m3"]) fleet.machine(name);
    fleet.job("j1", 9);
    fleet.policy({ hitsMax: 100 });
    await fleet.gameDay({ everyMs: 1_000 });
    await fleet.clock.advance(10_000);
    fleet.policy({ hitsMax: 100, targets: ["task"], jobsNever: ["*"] });
    await fleet.clock.advance(0);
    const before = fleet.hits().length;
    await fleet.clock.advance(30_000);
    assert.equal(fleet.hits().length, before);
    assert.match(fleet.day().status.refusal!, /keeps out jobs like '\*'/);
  });
});
