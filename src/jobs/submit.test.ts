import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { CanopyError } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import { jobRequest, stepRequest, type JobRequestInput } from "#/model/job-request.ts";
import { Stage, functionStep, processStep } from "./testing/stage.ts";
import { addStep, appendTasks, cancelJob, closeJob, retryJob, submitJob } from "./submit.ts";

const stage = await Stage.open();

/** The message and hint with which a request is refused. */
function refusal(steps: JobRequestInput["steps"], more: Partial<JobRequestInput> = {}): string {
  const request = jobRequest.parse({ title: "t", steps, ...more });
  try {
    const asked = { request, project: "p", submittedBy: "me", now: 0, id: "jx" };
    stage.space.commit((tx) => submitJob(tx, asked));
  } catch (thrown) {
    assert.ok(thrown instanceof CanopyError && thrown.code === "invalid", String(thrown));
    assert.equal(stage.space.get("job", "jx"), undefined);
    return `${thrown.message} | ${thrown.hint}`;
  }
  throw new Error("it was not refused");
}

test("submitJob() refuses a gang whose tasks could not begin at once", () => {
  const inputs = Array.from({ length: limits.gangTasksMax + 1 }, () => 1);
  const gang = (more: Parameters<typeof processStep>[1]) =>
    refusal([processStep("a", { gang: true, ...more })]);
  assert.match(
    gang({ source: { type: "inputs", inputs } }),
    /at most 512 tasks: it would have 513/,
  );
  assert.match(
    gang({ gang: { minimum: 3 }, source: { type: "inputs", inputs: [1, 2] } }),
    /minimum must be at most the number of its tasks \(2\): it is 3/,
  );
  assert.match(gang({ source: { type: "lines", blob: "0".repeat(64) } }), /how many there are/);
  assert.match(gang({ reuse: true }), /must not be reused/);
  assert.match(
    refusal([functionStep("a", "job", { gang: true })], { main: "a" }),
    /for plain tasks/,
  );
});

test("appendTasks() holds a gang to its bound", async () => {
  const { job, add } = await openJob();
  const step = add(processStep("a", { gang: true, source: { type: "list" } }));
  assert.ok(stage.space.get("job", job));
  const many = Array.from({ length: limits.gangTasksMax + 1 }, () => ({ input: "1" }));
  const append = (from: number, inputs: typeof many) =>
    stage.space.commit((tx) => appendTasks(tx, step, from, inputs, false)).value;
  assert.deepEqual(append(0, many.slice(1)), { offered: limits.gangTasksMax });
  assert.throws(() => append(limits.gangTasksMax, many.slice(0, 1)), { code: "too-large" });
});

test("submitJob() refuses what cannot run, names it and says what to do", () => {
  const inputs = (count: number) => ({
    type: "inputs" as const,
    inputs: Array.from({ length: count }, () => 1),
  });
  assert.match(refusal([]), /must have a step: it has none/);
  assert.match(refusal([processStep("a"), processStep("a")]), /names must differ/);
  assert.match(
    refusal([processStep("load"), processStep("b", { after: ["laod"] })]),
    /after 'laod'.*Did you mean 'load'/,
  );
  assert.match(refusal([processStep("a", { after: ["a"] })]), /circle: a → a/);
  assert.match(refusal([processStep("a")], { main: "b" }), /take the result of 'b'/);
  assert.match(
    refusal([processStep("a", { source: inputs(2) })], { main: "a" }),
    /must have one task: it has 2/,
  );
  assert.match(refusal([functionStep("a", "job")]), /must be the main step/);
  assert.match(refusal([functionStep("a", "map")]), /must have a shuffle of role 'map'/);
  assert.match(
    refusal([
      processStep("a"),
      functionStep("r", "reduce", { shuffle: { role: "reduce", from: "a" } }),
    ]),
    /must be the map side of a shuffle/,
  );
  assert.match(
    refusal([
      processStep("a", { inputs: [{ path: "x", from: { step: "b", output: "y" } }] }),
      processStep("b"),
    ]),
    /'b' must declare it: it declares none/,
  );
  assert.match(
    refusal([
      processStep("a", { outputs: [{ path: "y" }], source: inputs(2) }),
      processStep("b", {
        inputs: [{ path: "x", from: { step: "a", output: "y" } }],
        source: inputs(3),
      }),
    ]),
    /one task or as many as 'b' \(3\): it has 2/,
  );
  assert.match(
    refusal([
      processStep("a", { source: { type: "inputs", inputs: ["x".repeat(limits.inlineBytesMax)] } }),
    ]),
    /at most 65536 bytes/,
  );
  assert.match(
    refusal([
      processStep("a", { source: { type: "grid", parameters: { x: { from: 1, to: 0 } } } }),
    ]),
    /must go up/,
  );
});

test("submitJob() names the steps of any circle", () => {
  const edges = fc.array(fc.tuple(fc.nat(7), fc.nat(7)), { maxLength: 20 });
  fc.assert(
    fc.property(edges, fc.uniqueArray(fc.nat(7), { minLength: 1, maxLength: 8 }), (pairs, ring) => {
      const all = [
        ...pairs,
        ...ring.map((node, index) => [ring.at(index - 1)!, node] as [number, number]),
      ];
      const after = (node: number) => [
        ...new Set(all.filter(([, b]) => b === node).map(([a]) => `s${a}`)),
      ];
      const steps = Array.from({ length: 8 }, (_, node) =>
        processStep(`s${node}`, { after: after(node) }),
      );
      const [, circle] = /in a circle: (.*) \|/.exec(refusal(steps))!;
      const names = circle!.split(" → ");
      assert.equal(names[0], names.at(-1));
      for (let index = 1; index < names.length; index++) {
        assert.ok(after(Number(names[index]!.slice(1))).includes(names[index - 1]!));
      }
    }),
  );
});

test("submitJob() lets a step come after those whose files or shuffle it takes", async () => {
  const job = await stage.submit({
    title: "implied",
    steps: [
      processStep("b", { inputs: [{ path: "x", from: { step: "a", output: "y" } }] }),
      processStep("a", { outputs: [{ path: "y" }] }),
    ],
  });
  assert.deepEqual(stage.phases(job), { b: "blocked", a: "running" });
  assert.deepEqual((await stage.step(`${job}/0`)).spec.template.inputs[0]!.from, {
    step: `${job}/1`,
    output: "y",
  });
});

test("submitJob() refuses an id that is taken", async () => {
  const id = await stage.submit({ title: "t", steps: [processStep("a")] });
  const request = jobRequest.parse({ title: "t", steps: [processStep("a")] });
  const again = { request, project: "p", submittedBy: "me", now: 0, id };
  assert.throws(() => stage.space.commit((tx) => submitJob(tx, again)), { code: "conflict" });
});

async function openJob(...steps: JobRequestInput["steps"]) {
  const job = await stage.submit({ title: "open", open: true, steps });
  const add = (request: JobRequestInput["steps"][number], options?: { number?: number }) =>
    stage.space.commit((tx) =>
      addStep(tx, tx.get("job", job)!, stepRequest.parse(request), options),
    ).value;
  return { job, add };
}

test("addStep() gives back the step of a number that was asked for the same, and refuses another", async () => {
  const { job, add } = await openJob();
  const first = add(processStep("a"), { number: 0 });
  assert.equal(add(processStep("a"), { number: 0 }).name, first.name);
  assert.equal(stage.space.get("job", job)!.status.steps, 1);
  assert.throws(
    () => add(processStep("b"), { number: 0 }),
    /asked for the first time: that was 'a'/,
  );
  assert.throws(() => add(processStep("b"), { number: 2 }), {
    code: "conflict",
    message: /next one must be 1: it is 2/,
  });
  add(processStep("c", { fingerprint: "same" }), { number: 1 });
  assert.equal(
    add(processStep("other words", { name: "d", fingerprint: "same" }), { number: 1 }).spec.name,
    "c",
  );
  stage.space.commit((tx) => cancelJob(tx, tx.get("job", job)!, "done", 0));
  assert.equal(add(processStep("a"), { number: 0 }).status.phase, "cancelled");
  assert.throws(() => add(processStep("z")), {
    code: "conflict",
    message: /it has been cancelled/,
  });
});

test("addStep() refuses names that are taken or unknown, also after a commit that came to nothing", async () => {
  const { add, job } = await openJob(processStep("first"));
  assert.throws(
    () =>
      stage.space.commit((tx) => {
        addStep(tx, tx.get("job", job)!, stepRequest.parse(processStep("ghost")));
        addStep(
          tx,
          tx.get("job", job)!,
          stepRequest.parse(processStep("after", { after: ["ghost"] })),
        );
        throw new Error("never mind");
      }),
    /never mind/,
  );
  assert.throws(
    () => add(processStep("x", { after: ["ghost"] })),
    /after 'ghost' as it must be a step of the same job/,
  );
  add(processStep("ghost", { after: ["first"] }));
  assert.throws(() => add(processStep("ghost")), {
    code: "conflict",
    message: /names must differ/,
  });
  assert.throws(() => add(processStep("first")), { code: "conflict" });
});

test("addStep() refuses a step of a closed job", async () => {
  const job = await stage.submit({ title: "closed", steps: [processStep("a")] });
  const add = () =>
    stage.space.commit((tx) => addStep(tx, { name: job }, stepRequest.parse(processStep("b"))));
  assert.throws(add, { code: "conflict", message: /must be open: it is closed/, hint: /'open'/ });
});

test("addStep() takes 20,000 steps one by one without looking through those before", async () => {
  const { job, add } = await openJob();
  for (let number = 0; number < 20_000; number++) {
    add(processStep(`s${number}`, { after: number > 0 ? [`s${number - 1}`] : [] }));
  }
  assert.equal(stage.space.get("job", job)!.status.steps, 20_000);
});

test("appendTasks() passes over what is there, and refuses a gap", async () => {
  const { add } = await openJob();
  const step = add(processStep("list", { source: { type: "list" } }));
  const append = (from: number, inputs: string[], close = false) =>
    stage.space.commit((tx) =>
      appendTasks(
        tx,
        step,
        from,
        inputs.map((input) => ({ input })),
        close,
      ),
    ).value;
  assert.deepEqual(append(0, ["1", "2"]), { offered: 2 });
  assert.deepEqual(append(0, ["1", "2"]), { offered: 2 });
  assert.deepEqual(append(1, ["2", "3"]), { offered: 3 });
  assert.throws(() => append(5, ["6"]), {
    code: "conflict",
    message: /next one must be 3: it is 5/,
  });
  assert.deepEqual(append(3, [], true), { offered: 3 });
  assert.deepEqual(append(0, ["1", "2", "3"], true), { offered: 3 });
  assert.throws(() => append(3, ["4"]), { code: "conflict", message: /it is closed/ });
  await stage.settle();
  assert.deepEqual(
    [...stage.space.list("task", step.name)].map(({ spec }) => spec.input),
    ["1", "2", "3"],
  );
});

test("appendTasks() takes any calls in any order to the same tasks", async () => {
  const calls = fc.array(fc.record({ from: fc.nat(12), count: fc.nat(6) }), { maxLength: 20 });
  const { add } = await openJob();
  let steps = 0;
  fc.assert(
    fc.property(calls, (all) => {
      const step = add(processStep(`list${steps++}`, { source: { type: "list" } }));
      let offered = 0;
      for (const { from, count } of all) {
        const inputs = Array.from({ length: count }, (_, index) => ({
          input: String(from + index),
        }));
        const call = () =>
          stage.space.commit((tx) => appendTasks(tx, step, from, inputs, false)).value;
        if (from > offered) assert.throws(call, { code: "conflict" });
        else assert.equal(call().offered, (offered = Math.max(offered, from + count)));
      }
      const made = [...stage.space.list("task", step.name)].map(({ spec }) => Number(spec.input));
      assert.deepEqual(
        made,
        Array.from({ length: offered }, (_, index) => index),
      );
    }),
  );
});

test("appendTasks() refuses inputs that have to be blobs, other sources, and ended jobs", async () => {
  const { job, add } = await openJob(processStep("plain"));
  const list = add(processStep("list", { source: { type: "list" } }));
  const append = (name: string, input: string) => () =>
    stage.space.commit((tx) => appendTasks(tx, { name }, 0, [{ input }], false));
  assert.throws(append(list.name, JSON.stringify("x".repeat(limits.inlineBytesMax))), {
    code: "too-large",
    hint: /inputBlob/,
  });
  assert.throws(append(`${job}/0`, "1"), {
    code: "invalid",
    message: /must be 'list': it is 'inputs'/,
  });
  assert.throws(append(`${job}/9`, "1"), { code: "not-found" });
  stage.space.commit((tx) => cancelJob(tx, { name: job }, "done", 0));
  assert.throws(append(list.name, "1"), { code: "conflict", message: /been cancelled/ });
});

test("appendTasks() holds a master back while too many tasks of its job wait", async () => {
  const { add } = await openJob();
  const steps = [0, 1].map((number) =>
    add(processStep(`list${number}`, { source: { type: "list" } })),
  );
  stage.space.commit((tx) => {
    const step = tx.get("step", steps[0]!.name)!;
    tx.put({ ...step, status: { ...step.status, offered: limits.jobWaitingTasksMax - 1 } });
  });
  const append = (count: number) =>
    stage.space.commit((tx) =>
      appendTasks(
        tx,
        steps[1]!,
        0,
        Array.from({ length: count }, () => ({ input: "1" })),
        false,
      ),
    );
  assert.throws(
    () => append(2),
    (thrown: CanopyError) => thrown.code === "limited" && thrown.retryAfterMs! > 0,
  );
  assert.equal(append(1).value.offered, 1);
});

test("closeJob() and cancelJob() may be repeated; cancelJob() refuses what has ended otherwise", async () => {
  const { job } = await openJob(processStep("a"));
  const close = () => stage.space.commit((tx) => closeJob(tx, { name: job })).value;
  assert.equal(close().revision, close().revision);
  await stage.run(job);
  const cancel = (name: string) => () =>
    stage.space.commit((tx) => cancelJob(tx, { name }, "why", 5)).value;
  assert.throws(cancel(job), { code: "conflict", message: /it has succeeded/ });
  const other = await stage.submit({ title: "t", steps: [processStep("a")] });
  assert.equal(cancel(other)().status.reason, "why");
  assert.equal(cancel(other)().revision, stage.space.get("job", other)!.revision);
});

test("retryJob() refuses jobs that run, have succeeded, or are not there", async () => {
  const job = await stage.submit({ title: "t", steps: [processStep("a")] });
  await assert.rejects(retryJob(stage.space, job), { code: "conflict", message: /it is running/ });
  await stage.run(job);
  await assert.rejects(retryJob(stage.space, job), {
    code: "conflict",
    message: /it has succeeded/,
  });
  const missing = assert.rejects(retryJob(stage.space, "j999"), { code: "not-found" });
  await stage.settle();
  await missing;
});
