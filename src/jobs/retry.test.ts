import assert from "node:assert/strict";
import { test } from "node:test";
import { limits } from "#/base/limits.ts";
import { hasJobEnded } from "#/model/job.ts";
import { unfinishedTasks } from "#/model/step.ts";
import { processStep, Stage } from "./testing/stage.ts";
import { appendTasks, cancelJob, retryJob } from "./submit.ts";

const inputs = (count: number) => ({
  type: "inputs" as const,
  inputs: Array.from({ length: count }, (_, index) => index),
});

test("retryJob() runs again what failed or was cancelled, and nothing else", async () => {
  const stage = await Stage.open();
  const job = await stage.submit({
    title: "again",
    steps: [
      processStep("done"),
      processStep("bad", { source: inputs(3000), after: ["done"] }),
      processStep("behind", { after: ["bad"] }),
    ],
  });
  await stage.run(job, ({ name }) => name === `${job}/1/2500`, 500);
  assert.equal((await stage.job(job)).status.phase, "failed");
  const before = (await stage.step(`${job}/1`)).status.succeeded;
  const retried = retryJob(stage.space, job);
  await stage.settle();
  await retried;
  // a report of the attempt that failed, said once more, is none of a new one
  assert.equal(stage.space.get("task", `${job}/1/2500`)!.status.fence, 1);
  const ran = await stage.run(job);
  assert.equal(ran.length, 3000 - before + 1);
  const { status } = await stage.job(job);
  assert.deepEqual([status.phase, status.exitCode, status.reason], ["succeeded", 0, undefined]);
  const bad = (await stage.step(`${job}/1`)).status;
  assert.deepEqual([bad.succeeded, bad.failed, bad.cancelled], [3000, 0, 0]);
});

test("retryJob() brings tasks back also when it is cut off in the middle, or the job left memory", async () => {
  const stage = await Stage.open();
  const job = await stage.submit({
    title: "cut off",
    steps: [processStep("bad", { source: { type: "list" } })],
  });
  const tasks = Array.from({ length: 5000 }, (_, index) => ({ input: String(index) }));
  stage.space.commit((tx) => appendTasks(tx, tx.get("step", `${job}/0`)!, 0, tasks, true));
  await stage.settle();
  stage.finish(stage.ready(job).slice(4000, 4001), () => true);
  await stage.settle();
  await stage.settle(limits.endedJobMs + limits.jobsLookMs);
  assert.equal(stage.space.get("job", job), undefined);
  let batches = 0;
  stage.space.onApplied((changes) => {
    if (changes.some(({ op, record }) => op === "restore" && record.kind === "task")) batches++;
    if (batches === 3) stage.kill();
  });
  const retried = retryJob(stage.space, job);
  await stage.settle();
  await retried;
  assert.equal(batches, 3);
  await stage.start();
  assert.equal((await stage.run(job)).length, 5000);
  assert.equal((await stage.job(job)).status.phase, "succeeded");
});

test("a job that is cancelled before the tasks of its retry are back counts them as cancelled", async () => {
  const stage = await Stage.open();
  const job = await stage.submit({
    title: "changed my mind",
    steps: [processStep("bad", { source: inputs(5) })],
  });
  await stage.run(job, () => true);
  stage.space.onApplied((changes) => {
    const runs = changes.some(({ record }) => record.kind === "job" && !hasJobEnded(record));
    if (runs) stage.space.commit((tx) => cancelJob(tx, { name: job }, "changed", 0));
  });
  const retried = retryJob(stage.space, job);
  await stage.settle();
  await retried.catch(() => {});
  await stage.settle();
  const step = await stage.step(`${job}/0`);
  assert.deepEqual([step.status.phase, unfinishedTasks(step)], ["cancelled", 0]);
});

test("retryJob() keeps what machines have cost that were bought for the job", async () => {
  const stage = await Stage.open();
  const job = await stage.submit({ title: "dear", steps: [processStep("one")] });
  stage.space.commit((tx) => {
    const before = tx.get("job", job)!;
    tx.put({ ...before, status: { ...before.status, bought: { micros: 2_900_000 } } });
    cancelJob(tx, before, "its budget would have been crossed", stage.clock.now());
  });
  await stage.settle();
  const retried = retryJob(stage.space, job);
  await stage.settle();
  await retried;
  assert.deepEqual((await stage.job(job)).status.bought, { micros: 2_900_000 });
});

test("a job stays in memory until no machine that was bought for it costs anything any more", async () => {
  const stage = await Stage.open();
  const job = await stage.submit({ title: "dear", steps: [processStep("one")] });
  const order = (phase: "releasing" | "released") =>
    stage.space.commit((tx) =>
      tx.put<"order">({
        kind: "order",
        project: "p",
        name: "o1",
        spec: { site: "lab", offer: {} as never, orderedAt: 0, askedBy: "plan p1", job },
        status: { phase, since: 0 },
      }),
    );
  order("releasing");
  stage.space.commit((tx) => {
    const { spec, ...rest } = tx.get("job", job)!;
    tx.put({ ...rest, spec: { ...spec, goal: { plan: "p1", objective: "cost" } } });
  });
  await stage.run(job);
  await stage.settle(limits.endedJobMs + limits.jobsLookMs);
  assert.ok(stage.space.get("job", job));
  order("released");
  await stage.settle(limits.jobsLookMs);
  assert.equal(stage.space.get("job", job), undefined);
});
