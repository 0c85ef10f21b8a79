import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { limits } from "#/base/limits.ts";
import { stepRequest, type StepRequestInput } from "#/model/job-request.ts";
import { indexOfTask, stepOfTask } from "#/model/task.ts";
import { Stage, functionStep, processStep } from "./testing/stage.ts";
import { addStep, appendTasks, cancelJob, closeJob } from "./submit.ts";

const inputs = (count: number) => ({
  type: "inputs" as const,
  inputs: Array.from({ length: count }, (_, index) => index),
});

const firstSteps = (count: number) => Array.from({ length: count }, (_, number) => `s${number}`);

test("startJobs() begins a step when all that it comes after has succeeded", async () => {
  const stage = await Stage.open();
  const job = await stage.submit({
    title: "diamond",
    steps: [
      processStep("top"),
      processStep("left", { after: ["top"] }),
      processStep("right", { after: ["top"] }),
      processStep("bottom", { after: ["left", "right"] }),
    ],
  });
  assert.deepEqual(stage.phases(job), {
    top: "running",
    left: "blocked",
    right: "blocked",
    bottom: "blocked",
  });
  stage.finish(stage.ready(job));
  await stage.settle();
  assert.deepEqual(stage.phases(job), {
    top: "succeeded",
    left: "running",
    right: "running",
    bottom: "blocked",
  });
  stage.finish(stage.ready(job).slice(0, 1));
  await stage.settle();
  assert.equal(stage.phases(job)["bottom"], "blocked");
  await stage.run(job);
  const { status } = await stage.job(job);
  assert.deepEqual([status.phase, status.exitCode], ["succeeded", 0]);
});

test("startJobs() runs any graph in topological order, and the job ends", async () => {
  const edges = fc.array(fc.tuple(fc.nat(14), fc.nat(14)), { maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(
      edges,
      fc.integer({ min: 1, max: 4 }),
      fc.boolean(),
      async (pairs, batch, restarts) => {
        const stage = await Stage.open();
        const after = (number: number) => [
          ...new Set(pairs.filter(([a, b]) => a < b && b === number).map(([a]) => `s${a}`)),
        ];
        const steps = Array.from({ length: 15 }, (_, number) =>
          processStep(`s${number}`, { after: after(number) }),
        );
        const job = await stage.submit({ title: "any", steps });
        const done = new Set<string>();
        for (let turn = 0; stage.ready(job).length > 0; turn++) {
          const tasks = stage.ready(job).slice(0, batch);
          for (const { name } of tasks) {
            const number = Number(stepOfTask(name).split("/")[1]);
            assert.ok(
              after(number).every((before) => done.has(before)),
              `${name} ran too early`,
            );
          }
          stage.finish(tasks);
          for (const { name } of tasks) done.add(`s${stepOfTask(name).split("/")[1]}`);
          await stage.settle();
          if (restarts && turn === 3) {
            stage.kill();
            await stage.start();
          }
        }
        assert.equal(done.size, 15);
        assert.equal((await stage.job(job)).status.phase, "succeeded");
      },
    ),
    { numRuns: 40 },
  );
});

test("startJobs() makes each line of a file a task once, whatever the batches and restarts", async () => {
  const line = fc.string({ maxLength: 8 }).map((text) => text.replaceAll(/[\r\n\uFEFF]/g, ""));
  await fc.assert(
    fc.asyncProperty(
      fc.array(line, { maxLength: 60 }),
      fc.constantFrom("\n", "\r\n"),
      fc.boolean(),
      fc.nat(5),
      fc.integer({ min: 1, max: 20 }),
      async (lines, end, endsLast, restartAt, batch) => {
        const stage = await Stage.open();
        const text = lines.join(end) + (endsLast && lines.length > 0 ? end : "");
        const expected = text === "" ? [] : text.split(end).slice(0, endsLast ? -1 : undefined);
        if (!endsLast && expected.at(-1) === "") expected.pop();
        const job = await stage.submit({
          title: "lines",
          steps: [processStep("each", { source: { type: "lines", blob: stage.put(text) } })],
        });
        const seen: string[] = [];
        for (let turn = 0; ; turn++) {
          if (turn === restartAt) {
            stage.kill();
            await stage.start();
          }
          const tasks = stage.ready(job).slice(0, batch);
          if (tasks.length === 0) break;
          for (const { name, spec } of tasks)
            seen[indexOfTask(name)] = JSON.parse(spec.input) as string;
          stage.finish(tasks);
          await stage.settle();
        }
        assert.deepEqual(seen, expected);
        const { status } = await stage.step(`${job}/0`);
        assert.deepEqual(
          [status.phase, status.offered, status.total],
          ["succeeded", seen.length, seen.length],
        );
      },
    ),
    { numRuns: 60 },
  );
});

test("startJobs() keeps no more tasks of a long file than its limit, and knows their number from the start", async () => {
  const stage = await Stage.open();
  const count = 20_000;
  const text = Array.from({ length: count }, (_, index) => `line ${index}\n`).join("");
  const job = await stage.submit({
    title: "long",
    steps: [processStep("each", { source: { type: "lines", blob: stage.put(text) } })],
  });
  assert.equal((await stage.step(`${job}/0`)).status.total, count);
  let most = 0;
  const seen = new Set<string>();
  for (let tasks = stage.ready(job); tasks.length > 0; tasks = stage.ready(job)) {
    most = Math.max(most, tasks.length);
    for (const { spec } of tasks.slice(0, 1500)) seen.add(spec.input);
    stage.finish(tasks.slice(0, 1500));
    await stage.settle();
  }
  assert.equal(seen.size, count);
  assert.ok(most <= limits.stepUnfoldedTasksMax, `${most} tasks waited`);
  assert.equal((await stage.job(job)).status.phase, "succeeded");
});

test("startJobs() makes as many tasks of a lazy source as a large pool could run, and more when it grows", async () => {
  const stage = await Stage.open();
  stage.machine("m1", 4000);
  const parameters = { x: { from: 1, to: 30_000 } };
  const step = processStep("each", { source: { type: "grid", parameters } });
  const job = await stage.submit({ title: "wide", steps: [step] });
  const madeFor = (places: number) => {
    const made = stage.ready(job).length;
    const most = limits.stepUnfoldedTasksMax + places;
    assert.ok(made > most - limits.unfoldBatchMax && made <= most, `${made} tasks`);
  };
  madeFor(4000);
  // none of them ends for hours: that there are more places is enough
  for (const name of ["m2", "m3"]) stage.machine(name, 4000);
  await stage.settle();
  madeFor(12_000);
  stage.finish(stage.ready(job).slice(0, 5000));
  await stage.settle();
  madeFor(12_000);
});

test("startJobs() puts a line past the inline limit into a blob", async () => {
  const stage = await Stage.open();
  const long = "x".repeat(limits.inlineBytesMax + 1);
  const source = { type: "lines" as const, blob: stage.put(`a\n${long}\nb\n`) };
  const job = await stage.submit({ title: "long line", steps: [processStep("each", { source })] });
  const specs = stage.ready(job).map(({ spec }) => spec);
  assert.deepEqual(
    specs.map(({ input }) => input),
    ['"a"', "null", '"b"'],
  );
  assert.equal(
    Buffer.from(stage.blobs.get(specs[1]!.inputBlob!)!).toString(),
    JSON.stringify(long),
  );
});

test("startJobs() fails a step whose file of lines is not there", async () => {
  const stage = await Stage.open();
  const source = { type: "lines" as const, blob: "a".repeat(64) };
  const job = await stage.submit({ title: "no file", steps: [processStep("each", { source })] });
  const { status } = await stage.job(job);
  assert.equal(status.phase, "failed");
  assert.match(status.reason!, /'each' failed: Cannot read lines as their blob must be there/);
});

test("startJobs() unfolds a grid, the last parameter turning fastest", async () => {
  const stage = await Stage.open();
  const source = {
    type: "grid" as const,
    parameters: { size: ["s", "l"], level: { from: 0, to: 1, by: 0.5 } },
  };
  const job = await stage.submit({ title: "sweep", steps: [processStep("each", { source })] });
  assert.deepEqual(
    stage.ready(job).map(({ spec }) => JSON.parse(spec.input)),
    [
      { size: "s", level: 0 },
      { size: "s", level: 0.5 },
      { size: "s", level: 1 },
      { size: "l", level: 0 },
      { size: "l", level: 0.5 },
      { size: "l", level: 1 },
    ],
  );
});

test("startJobs() ends a step without tasks at once", async () => {
  const stage = await Stage.open();
  const job = await stage.submit({
    title: "nothing",
    steps: [processStep("none", { source: inputs(0) }), processStep("next", { after: ["none"] })],
  });
  assert.deepEqual(stage.phases(job), { none: "succeeded", next: "running" });
});

test("startJobs() with onFailure 'stop' ends the job at its first failed task, with that task's exit code", async () => {
  const stage = await Stage.open();
  const job = await stage.submit({
    title: "stops",
    steps: [
      processStep("bad", { source: inputs(5) }),
      processStep("beside", { source: inputs(3) }),
      processStep("behind", { after: ["bad"] }),
    ],
  });
  stage.finish(stage.ready(job).slice(2, 3), () => true);
  await stage.settle();
  const { status } = await stage.job(job);
  assert.deepEqual([status.phase, status.exitCode], ["failed", 3]);
  assert.equal(status.reason, `'bad' failed: task ${job}/0/2: exited with code 3`);
  assert.deepEqual(stage.phases(job), { bad: "failed", beside: "cancelled", behind: "cancelled" });
  assert.equal(stage.space.count("task", `${job}/0`) + stage.space.count("task", `${job}/1`), 0);
  const bad = (await stage.step(`${job}/0`)).status;
  assert.deepEqual([bad.failed, bad.cancelled, bad.succeeded], [1, 4, 0]);
  const [task] = await stage.space.find("task", [`${job}/1/2`]);
  assert.equal(task!.status.phase, "cancelled");
});

test("startJobs() with onFailure 'continue' runs all that does not stand on what failed", async () => {
  const stage = await Stage.open();
  const job = await stage.submit({
    title: "goes on",
    onFailure: "continue",
    steps: [
      processStep("bad", { source: inputs(4) }),
      processStep("behind", { after: ["bad"] }),
      processStep("further", { after: ["behind", "good"] }),
      processStep("good"),
    ],
  });
  const ran = await stage.run(job, ({ name }) => name === `${job}/0/1`);
  assert.equal(ran.length, 5);
  assert.deepEqual(stage.phases(job), {
    bad: "failed",
    behind: "cancelled",
    further: "cancelled",
    good: "succeeded",
  });
  const { status } = await stage.job(job);
  assert.deepEqual([status.phase, status.exitCode], ["failed", 3]);
  assert.match(
    (await stage.step(`${job}/1`)).status.reason!,
    /'bad', which it comes after, did not succeed/,
  );
});

test("startJobs() takes failed tasks of a step as values when the step says so", async () => {
  const stage = await Stage.open();
  const job = await stage.submit({
    title: "values",
    steps: [
      processStep("maybe", { source: inputs(4), onFailure: "continue" }),
      processStep("next", { after: ["maybe"] }),
    ],
  });
  await stage.run(job, ({ name }) => name.startsWith(`${job}/0/`));
  assert.deepEqual(stage.phases(job), { maybe: "succeeded", next: "succeeded" });
  assert.equal((await stage.job(job)).status.exitCode, 0);
});

test("startJobs() finds why a step failed also when that was before a restart", async () => {
  const stage = await Stage.open();
  const job = await stage.submit({
    title: "restart",
    onFailure: "continue",
    steps: [processStep("bad", { source: inputs(2) })],
  });
  stage.finish(stage.ready(job).slice(0, 1), () => true);
  await stage.settle();
  stage.kill();
  await stage.start();
  await stage.run(job);
  const { status } = await stage.job(job);
  assert.deepEqual([status.phase, status.exitCode], ["failed", 3]);
  assert.match(status.reason!, /exited with code 3/);
});

test("startJobs() gives a reduce step one task per partition when its map step has succeeded", async () => {
  const stage = await Stage.open();
  const job = await stage.submit({
    title: "map-reduce",
    steps: [
      functionStep("map", "map", { source: inputs(3), shuffle: { role: "map", partitions: 4 } }),
      functionStep("reduce", "reduce", { shuffle: { role: "reduce", from: "map" } }),
    ],
  });
  assert.deepEqual(stage.phases(job), { map: "running", reduce: "blocked" });
  stage.finish(stage.ready(job));
  await stage.settle();
  assert.deepEqual(
    stage.ready(job).map(({ name }) => name),
    [0, 1, 2, 3].map((index) => `${job}/1/${index}`),
  );
});

test("startJobs() carries a reduce step on when lost map tasks have run again", async () => {
  const stage = await Stage.open();
  const job = await stage.submit({
    title: "lost",
    steps: [
      functionStep("map", "map", { source: inputs(2), shuffle: { role: "map", partitions: 1 } }),
      functionStep("reduce", "reduce", { shuffle: { role: "reduce", from: "map" } }),
    ],
  });
  stage.finish(stage.ready(job));
  await stage.settle();
  const [lost] = await stage.space.find("task", [`${job}/0/1`]);
  stage.space.commit((tx) => {
    tx.put({ ...lost!, status: { phase: "ready" } });
    const step = tx.get("step", `${job}/0`)!;
    const { endedAt: _, ...status } = step.status;
    tx.put({ ...step, status: { ...status, phase: "running", succeeded: 1 } });
  });
  await stage.settle();
  assert.deepEqual(stage.phases(job), { map: "running", reduce: "running" });
  await stage.run(job);
  assert.equal((await stage.job(job)).status.phase, "succeeded");
});

test("startJobs() ends a job that is a function when its main step has, and takes its result for the job's", async () => {
  const stage = await Stage.open();
  const job = await stage.submit({
    title: "code",
    main: "main",
    steps: [functionStep("main", "job")],
  });
  const step = (name: string, more: Partial<StepRequestInput> = {}) => {
    const request = stepRequest.parse(functionStep(name, "task", more));
    stage.space.commit((tx) => addStep(tx, tx.get("job", job)!, request));
  };
  step("caught");
  step("streamed", { source: { type: "list" } });
  await stage.settle();
  stage.finish(
    stage.ready(job).filter(({ name }) => name === `${job}/1/0`),
    () => true,
  );
  await stage.settle();
  assert.deepEqual(stage.phases(job), { main: "running", caught: "failed", streamed: "running" });
  assert.equal((await stage.job(job)).status.phase, "running");
  await stage.run(job);
  assert.deepEqual(stage.phases(job), {
    main: "succeeded",
    caught: "failed",
    streamed: "succeeded",
  });
  const { status } = await stage.job(job);
  assert.deepEqual([status.phase, status.open, status.exitCode], ["succeeded", false, 0]);
});

test("startJobs() fails a job that is a function with its main step, and ends what it began", async () => {
  const stage = await Stage.open();
  const job = await stage.submit({
    title: "code",
    main: "main",
    onFailure: "continue",
    steps: [functionStep("main", "job"), functionStep("spawned", "task", { source: inputs(9) })],
  });
  stage.finish(stage.ready(job).slice(0, 1), () => true);
  await stage.settle();
  assert.equal((await stage.job(job)).status.phase, "failed");
  assert.deepEqual(stage.phases(job), { main: "failed", spawned: "cancelled" });
});

test("startJobs() waits for an open job to be closed", async () => {
  const stage = await Stage.open();
  const job = await stage.submit({ title: "open", open: true, steps: [processStep("a")] });
  await stage.run(job);
  assert.equal((await stage.job(job)).status.phase, "running");
  stage.space.commit((tx) =>
    addStep(tx, tx.get("job", job)!, stepRequest.parse(processStep("b", { after: ["a"] }))),
  );
  await stage.settle();
  assert.equal(stage.ready(job).length, 1);
  stage.space.commit((tx) => closeJob(tx, tx.get("job", job)!));
  await stage.run(job);
  assert.equal((await stage.job(job)).status.phase, "succeeded");
});

test("cancelJob() ends all steps at once and takes their tasks out of memory, also across a restart", async () => {
  const stage = await Stage.open();
  const job = await stage.submit({
    title: "many",
    steps: [processStep("list", { source: { type: "list" } })],
  });
  const tasks = Array.from({ length: 10_000 }, (_, index) => ({ input: String(index) }));
  stage.space.commit((tx) => appendTasks(tx, tx.get("step", `${job}/0`)!, 0, tasks, false));
  await stage.settle();
  stage.space.commit((tx) =>
    cancelJob(tx, tx.get("job", job)!, "no longer needed", stage.clock.now()),
  );
  await stage.clock.advance(0);
  stage.kill();
  await stage.start();
  assert.equal(stage.space.count("task", `${job}/0`), 0);
  const { status } = await stage.step(`${job}/0`);
  assert.deepEqual(
    [status.phase, status.cancelled, status.reason],
    ["cancelled", 10_000, "no longer needed"],
  );
  assert.equal((await stage.job(job)).status.exitCode, 130);
});

test("startJobs() takes ended jobs out of memory after a while, and they are still found", async () => {
  const stage = await Stage.open();
  const job = await stage.submit({ title: "old", steps: [processStep("a"), processStep("b")] });
  await stage.run(job);
  await stage.settle(limits.endedJobMs - 1000);
  assert.ok(stage.space.get("job", job));
  await stage.settle(1000 + limits.jobsLookMs);
  assert.equal(stage.space.get("job", job), undefined);
  assert.equal(stage.space.count("step", job), 0);
  assert.equal((await stage.job(job)).status.phase, "succeeded");
  assert.equal((await stage.step(`${job}/1`)).status.succeeded, 1);
});

test("startJobs() runs a workflow of 5,000 steps in work that grows with it, not with its square", async () => {
  const stage = await Stage.open();
  const steps = Array.from({ length: 5000 }, (_, number) => {
    const after =
      number === 0 ? [] : number < 4999 ? [`s${Math.floor((number - 1) / 50)}`] : firstSteps(4999);
    return processStep(`s${number}`, { after });
  });
  const job = await stage.submit({ title: "wide", steps });
  assert.equal((await stage.run(job)).length, 5000);
  assert.equal((await stage.job(job)).status.phase, "succeeded");
});
