import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { limits } from "#/base/limits.ts";
import { toldBelief } from "#/planning/mix/beliefs.ts";
import { cloudOf, lab } from "../testing/lab.ts";

const minuteMs = 60_000;

/** How often all leases, all machines, all jobs and all orders are read in ten seconds beside so many jobs. */
async function readsOf(jobs: number): Promise<Record<string, number>> {
  const cloud = await cloudOf(lab(), minuteMs);
  cloud.machine("here", 64);
  const { clock, scheduler, space } = cloud.rig;
  for (let number = 0; number < jobs; number++)
    cloud.job(`j${number}`, 2, toldBelief(minuteMs), {
      deadlineAt: clock.now() + 60 * minuteMs,
      ...(number % 2 === 0 && { budgetMicros: 10e6 }),
    });
  await cloud.pass(5000);
  const leases = mock.method(scheduler, "leases");
  const machines = mock.method(scheduler, "machines");
  const all = mock.method(space, "all");
  await cloud.pass(10_000);
  assert.ok(scheduler.leases().length >= jobs);
  cloud.stop();
  const of = (kind: string) => all.mock.calls.filter((call) => call.arguments[0] === kind).length;
  return {
    leases: leases.mock.callCount(),
    machines: machines.mock.callCount(),
    jobs: of("job"),
    orders: of("order"),
  };
}

test("startGoals() reads what runs, what is there and what is ordered once a turn, however many jobs have goals", async () => {
  const few = await readsOf(2);
  assert.deepEqual(await readsOf(24), few);
  assert.ok(few.leases! <= 25, `all leases are read ${few.leases} times in ten seconds`);
});

test("startGoals() leaves jobs that a turn has no time for to the next turns, and looks at the budgets of all", async () => {
  const cloud = await cloudOf(lab(), minuteMs);
  cloud.policy({ autonomy: { buy: "advise" } });
  const { clock, space } = cloud.rig;
  const monotonicMs = clock.monotonicMs.bind(clock);
  const offers = cloud.knowledge.offers.bind(cloud.knowledge);
  let thoughtMs = 0;
  mock.method(clock, "monotonicMs", () => monotonicMs() + thoughtMs);
  mock.method(cloud.knowledge, "offers", (of: Parameters<typeof offers>[0]) => {
    thoughtMs += limits.goalTurnMs / 2;
    return offers(of);
  });
  const jobs = Array.from({ length: 9 }, (_, number) => `j${number}`);
  const deadlineAt = clock.now() + 60 * minuteMs;
  for (const name of jobs) cloud.job(name, 8, toldBelief(minuteMs), { deadlineAt });
  cloud.job("poor", 8, toldBelief(minuteMs), { deadlineAt, budgetMicros: 0 });
  const advised = async () => {
    const decisions = await Promise.all(jobs.map((name) => cloud.decisions(name)));
    return decisions.filter((of) => of.length > 0).length;
  };
  await clock.advance(1000);
  assert.equal(space.get("job", "poor")?.status.phase, "cancelled");
  const first = await advised();
  assert.ok(first > 0 && first < jobs.length, `${first} jobs were thought about at once`);
  for (let second = 0; second < jobs.length; second++) await clock.advance(1000);
  assert.equal(await advised(), jobs.length);
  cloud.stop();
});
