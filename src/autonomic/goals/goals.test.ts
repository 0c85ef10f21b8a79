import assert from "node:assert/strict";
import { mock, test } from "node:test";
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
