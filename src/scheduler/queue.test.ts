import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { Fairness } from "./fairness.ts";
import { Queue } from "./queue.ts";
import { Quotas } from "./quota.ts";
import { RunTimes } from "./run-times.ts";
import { StepState } from "./state.ts";
import { classOfStep } from "./task-class.ts";
import { Rig } from "./testing/rig.ts";

/** A queue of one project, into which steps are put by name, with so many CPUs each. */
async function line() {
  const rig = await Rig.open();
  const fairness = new Fairness();
  const queue = new Queue(fairness);
  const share = fairness.share("p", 1);
  const account = new Quotas().account("p");
  const classes = new Map<number, ReturnType<typeof classOfStep>>();
  const enter = (name: string, cpus: number, rank = 0): StepState => {
    rig.step(name, 1, { needs: { milliCpus: cpus * 1000 } });
    const record = rig.stepRecord(name);
    if (!classes.has(cpus)) classes.set(cpus, classOfStep(record));
    const taskClass = classes.get(cpus)!;
    const more = { priority: 0, share, account, taskClass, runTimes: new RunTimes() };
    const step = new StepState(record, more);
    queue.enter(step, 0, rank);
    return step;
  };
  const next = (
    waiting: StepState[],
    room: (step: StepState) => number = () => 1,
    passed: (step: StepState) => void = () => {},
  ) =>
    queue.next(share, () => true, room, passed, { waits: (step) => waiting.includes(step) })?.step
      .name;
  return { queue, enter, next };
}

describe("Queue.next()", () => {
  test("gives one behind another that waits no turn before who came first", async () => {
    const { queue, enter, next } = await line();
    const first = enter("j0/0", 2); // its lane is looked at first
    const waiting = enter("j1/0", 1);
    enter("j2/0", 2);
    enter("j3/0", 1);
    queue.leave(first);
    assert.equal(next([]), "j1/0");
    assert.equal(next([waiting]), "j2/0");
  });

  test("says which step lacked room, also behind one of its job that waits", async () => {
    const { enter, next } = await line();
    const waiting = enter("j1/0", 1);
    const large = enter("j1/1", 1);
    enter("j2/0", 2);
    const passed: string[] = [];
    const found = next(
      [waiting],
      (step) => (step === large ? 0 : 1),
      ({ name }) => void passed.push(name),
    );
    assert.equal(found, "j2/0");
    assert.deepEqual(passed, ["j1/1"]);
  });

  test("takes steps of a job by rank, and those of one rank as they came", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(4), { minLength: 1, maxLength: 20 }), async (ranks) => {
        const { queue, enter, next } = await line();
        const steps = ranks.map((rank, index) => enter(`j1/${index}`, 1, rank));
        const expected = steps.toSorted((a, b) => ranks[b.number]! - ranks[a.number]!);
        for (const step of expected) {
          assert.equal(next([]), step.name);
          queue.leave(step);
        }
      }),
      { numRuns: 50 },
    );
  });
});
