import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { limits } from "#/base/limits.ts";
import { decodeValue } from "#/model/value.ts";
import type { FunctionRun, TaskTemplate } from "#/model/task.ts";
import { briefOf, Rig } from "../testing/rig.ts";
import { runnerDriver } from "./runner.ts";

const rig = await Rig.make(runnerDriver);
after(() => rig.close());

const MiB = 1 << 20;
const module = await rig.module(`
  import { spawn } from "node:child_process";
  import { appendFileSync, writeSync } from "node:fs";
  export const notes = async (file, ms) => { appendFileSync(file, "x"); await sleeps(ms); };
  export const square = (x) => x * x;
  export const add = async (a, b) => a + b;
  export const echo = (x) => x;
  export const throws = () => { throw new TypeError("no such thing"); };
  export const throwsText = () => { throw "just text"; };
  export const rejects = async () => { await 1; throw new Error("later"); };
  export const exits = () => process.exit(7);
  export const spins = () => { for (;;); };
  export const sleeps = (ms) => new Promise((wake) => setTimeout(wake, ms));
  export const never = () => new Promise(() => {});
  export const prints = (count) => { for (let i = 0; i < count; i++) console.log("x".repeat(1000)); return count; };
  export const printsBoth = () => { console.log("one\\ntwo"); console.error("three"); process.stdout.write("four"); };
  export const fillsHeap = () => { const all = []; for (;;) all.push(new Array(1000).fill(all.length)); };
  export const fillsBuffers = () => { const all = []; for (;;) all.push(Buffer.alloc(8 << 20, 1)); };
  export const returnsFunction = () => ({ deep: [() => 1] });
  export const returnsCycle = () => { const all = {}; all.self = all; return all; };
  export const forgets = () => { Promise.reject(new Error("nobody caught me")); return "fine"; };
  export const forgetsLater = () => { setTimeout(() => Promise.reject(new Error("much later")), 20); return "fine"; };
  export const throwsLater = () => new Promise(() => setTimeout(() => { throw new Error("from a timer"); }, 5));
  export const crashes = () => process.kill(process.pid, "SIGSEGV");
  export const forks = () => spawn("sleep", ["61.5"], { detached: true, stdio: "ignore" }).pid;
  export const large = (size) => "x".repeat(size);
  export const lengthOf = (text) => text.length;
  export const pid = () => process.pid;
  export const tells = (line) => { writeSync(3, line + "\\n"); return new Promise((wake) => setTimeout(wake, 50)); };
  export const notesAndTells = async (file, line) => {
    appendFileSync(file, "x");
    writeSync(3, line + "\\n");
    await sleeps(200);
    return "told";
  };
  export const context = () => {
    const { task, job, attempt, cloudUrl, jobKey, signal } = globalThis[Symbol.for("canopy.context")].current();
    return { task, job, attempt, cloudUrl, jobKey, aborted: signal.aborted };
  };
  export const heeds = () => new Promise((resolve) => {
    const { signal } = globalThis[Symbol.for("canopy.context")].current();
    signal.addEventListener("abort", () => resolve("heard"));
    setTimeout(() => {}, 1e6);
  });
`);

let stepCount = 0;
type Options = Partial<TaskTemplate> & {
  role?: FunctionRun["role"];
  jobKey?: string;
  cpus?: number;
};

/** A step of its own: tasks of one step may share a runner. */
function step(fn: string, { role = "task", jobKey, ...template }: Options = {}) {
  const run: FunctionRun = { driver: "runner", module, function: fn, role };
  const brief = { ...briefOf({ run, ...template }), ...(jobKey === undefined ? {} : { jobKey }) };
  const name = `j${++stepCount}/0`;
  return (...args: unknown[]) => rig.run(brief, name, { input: JSON.stringify(args) });
}

const memoryOf = (memoryBytes: number) => ({ needs: { milliCpus: 1000, memoryBytes, labels: {} } });

/** What goes wrong, among neighbours queued in the same runners: they all must come through. */
async function amongOthers(
  fn: string,
  expected: { reason: string; message: RegExp },
  options: Options & { args?: unknown[] } = {},
) {
  const { args = [], ...more } = options;
  const neighbour = step("square", more);
  await neighbour(1);
  const before = Array.from({ length: 40 }, (_, n) => neighbour(n));
  const bad = step(fn, more)(...args);
  const behind = Array.from({ length: 40 }, (_, n) => neighbour(n));
  const ended = await bad;
  assert.equal(ended.error?.reason, expected.reason, ended.error?.message ?? "it succeeded");
  assert.match(ended.error!.message, expected.message);
  for (const [n, one] of [...before, ...behind].entries()) {
    assert.equal((await one).result, String((n % 40) ** 2));
  }
  return ended;
}

test("a runner gives what functions return, plain or promised", async () => {
  assert.equal((await step("square")(12)).result, "144");
  assert.equal((await step("add")(1, 2)).result, "3");
  const nothing = await step("echo")();
  assert.equal(decodeValue(nothing.result!), undefined);
  const { result } = await rig.run(
    briefOf({ run: { driver: "runner", module, function: "echo", role: "task" } }),
    "j0/9",
    { input: '{"a":\n1}' },
  );
  assert.equal(result, '{"a":1}');
});

test("a task is not run again because its agent stood still before it read the result", async () => {
  const folder = mkdtempSync(join(tmpdir(), "canopy-still-"));
  const [first, second] = [join(folder, "first"), join(folder, "second")];
  const noted = step("notes");
  for (let count = 0; count < 30; count++) await noted(join(folder, "before"), 0);
  const both = [noted(first, 0), noted(second, 20)];
  await new Promise((resolve) => setImmediate(resolve));
  const untilMs = performance.now() + limits.runnerSilentMs + 500;
  while (performance.now() < untilMs); // both end meanwhile, and what they gave lies unread
  await Promise.all(both);
  assert.deepEqual([readFileSync(first, "utf8"), readFileSync(second, "utf8")], ["x", "x"]);
  rmSync(folder, { recursive: true });
});

test("a runner stays warm from task to task", async () => {
  const pid = step("pid");
  assert.equal((await pid()).result, (await pid()).result);
});

test("a runner tells code inside it what it is", async () => {
  const ended = await step("context", { role: "job", jobKey: "secret" })();
  const { work } = ended;
  assert.deepEqual(JSON.parse(ended.result!), {
    task: work.offer.task,
    job: work.step.split("/")[0],
    attempt: 1,
    cloudUrl: "http://127.0.0.1:1",
    jobKey: "secret",
    aborted: false,
  });
});

test("a task that throws fails with its message and its own stack", async () => {
  const { error } = await amongOthers("throws", { reason: "threw", message: /^no such thing$/ });
  assert.match(error!.stack!, /module-0\.mjs:\d+:\d+/);
  assert.doesNotMatch(error!.stack!, /child\.ts/);
  await amongOthers("throwsText", { reason: "threw", message: /threw just text/ });
  await amongOthers("rejects", { reason: "threw", message: /^later$/ });
});

test("a task that ends its process fails alone, with its exit code", async () => {
  const { error } = await amongOthers("exits", { reason: "exited", message: /with code 7/ });
  assert.equal(error!.exitCode, 7);
});

test("a task that hangs fails when its time is over, busy or idle", async () => {
  const message = /longer than 300ms/;
  await amongOthers("spins", { reason: "timed-out", message }, { timeoutMs: 300 });
  await amongOthers("sleeps", { reason: "timed-out", message }, { timeoutMs: 300, args: [60_000] });
});

test("a task without a timeout that hangs holds up nobody told to the same runner", async () => {
  const quick = step("square");
  await Promise.all(Array.from({ length: 200 }, (_, n) => quick(n)));
  const first = Array.from({ length: 30 }, (_, n) => quick(n));
  const hung = step("spins")();
  const behind = Array.from({ length: 100 }, (_, n) => quick(n));
  for (const [n, one] of [...first, ...behind].entries()) {
    assert.equal((await one).result, String((n < 30 ? n : n - 30) ** 2));
  }
  rig.driver.cancel(hung.work);
  assert.equal((await hung).error?.reason, "cancelled");
});

test("a task that waits for what can never come fails at once", async () => {
  await amongOthers("never", { reason: "threw", message: /never ends/ });
});

test("a task may print gigabytes: what is kept has a limit", async () => {
  const { printed, result } = await step("prints")(100_000);
  assert.equal(result, "100000");
  const bytes = printed.reduce((sum, { text }) => sum + text.length + 1, 0);
  assert.ok(bytes < limits.taskLogBytesMax * 1.1, `${bytes} bytes kept`);
  assert.match(printed.at(-1)!.text, /the rest is dropped/);
});

test("what a task prints comes in lines, before its end", async () => {
  const { printed } = await step("printsBoth")();
  assert.deepEqual(printed, [
    { stream: "stdout", text: "one" },
    { stream: "stdout", text: "two" },
    { stream: "stderr", text: "three" },
    { stream: "stdout", text: "four" },
  ]);
});

test("a task that takes all memory fails alone, by its heap or outside of it", async () => {
  const options = memoryOf(64 * MiB);
  const expected = { reason: "out-of-memory", message: /more memory than its 64MiB/ };
  await amongOthers("fillsHeap", expected, options);
  await amongOthers("fillsBuffers", expected, options);
});

test("a result that cannot be sent fails with the place of what cannot", async () => {
  await amongOthers("returnsFunction", { reason: "unserialisable", message: /value\.deep\[0\]/ });
  await amongOthers("returnsCycle", { reason: "unserialisable", message: /contains itself/ });
});

test("a promise that nobody caught fails the task that made it", async () => {
  await amongOthers("forgets", { reason: "threw", message: /nobody caught it: nobody caught me/ });
  await amongOthers("throwsLater", { reason: "threw", message: /from a timer/ });
});

test("what a task leaves behind harms none that come after it", async () => {
  assert.equal((await step("forgetsLater")()).result, '"fine"');
  const others = Array.from({ length: 20 }, (_, n) => step("sleeps")(n % 5));
  for (const one of others) assert.equal((await one).error, undefined);
});

test("a task that crashes its process fails alone", async () => {
  const ended = await amongOthers("crashes", { reason: "signalled", message: /SIGSEGV/ });
  assert.equal(ended.work.suspected, 2, "it ran once more, with a runner to itself, to be sure");
});

test("a runner of hundreds of tasks still tells which one crashed it", async () => {
  const quick = step("square");
  await Promise.all(Array.from({ length: 600 }, (_, n) => quick(n)));
  await amongOthers("crashes", { reason: "signalled", message: /SIGSEGV/ });
});

test("children of a task end with its runner", async () => {
  const other = await Rig.make(runnerDriver);
  const source = `
    import { spawn } from "node:child_process";
    export const forks = () => spawn("sleep", ["62.5"], { detached: true, stdio: "ignore" }).pid;`;
  const run: FunctionRun = {
    driver: "runner",
    module: await other.module(source),
    function: "forks",
    role: "task",
  };
  const { result } = await other.run(briefOf({ run }), "j1/0", { input: "[]" });
  assert.ok(other.parts.processes.isAlive(Number(result)));
  await other.close();
  assert.equal(other.parts.processes.isAlive(Number(result)), false);
});

test("a large result becomes a blob, a large input comes as one", async () => {
  const { result, resultBlob } = await step("large")(200_000);
  assert.equal(result, "null");
  const brief = briefOf({ run: { driver: "runner", module, function: "lengthOf", role: "task" } });
  const ended = await rig.run(brief, "j9/1", { input: "null", inputBlob: resultBlob! });
  assert.equal(ended.result, "200000");
  assert.ok(ended.usage.readBytes > 200_000);
  const missing = await rig.run(brief, "j9/1", { inputBlob: "nowhere" });
  assert.equal(missing.error?.reason, "input-missing");
});

test("cancel() tells the code, and ends it when it does not listen", async () => {
  const heeding = step("heeds")();
  const deaf = step("spins")();
  while (heeding.work.startedMs === 0 || deaf.work.startedMs === 0) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  rig.driver.cancel(heeding.work);
  rig.driver.cancel(deaf.work);
  assert.equal((await heeding).result, '"heard"');
  assert.equal((await deaf).error?.reason, "cancelled");
});

test("cancel() takes a task out of the queue", async () => {
  const busy = [step("sleeps")(200), step("sleeps")(200)];
  const queued = step("square")(3);
  rig.driver.cancel(queued.work);
  assert.equal((await queued).error?.reason, "cancelled");
  for (const one of busy) assert.equal((await one).error, undefined);
});

test("a module that cannot be loaded fails its tasks, and says why", async () => {
  const cases: [source: string, expected: RegExp][] = [
    ["export const f = (", /cannot be loaded: .*/],
    ["throw new Error('at the top')", /cannot be loaded: at the top/],
    ["process.exit(3)", /code 3 while its module was loading/],
    ["await new Promise(() => {})", /never finishes loading/],
    ["import 'no-such-package'", /Cannot find package/],
    ["export const g = 1", /exports no function 'f': it exports g/],
  ];
  const fails = async ([source, expected]: (typeof cases)[number]) => {
    const run: FunctionRun = {
      driver: "runner",
      module: await rig.module(source),
      function: "f",
      role: "task",
    };
    const { error } = await rig.run(briefOf({ run }), `j${++stepCount}/0`, { input: "[]" });
    assert.equal(error?.reason, "not-started");
    assert.match(error!.message, expected);
  };
  await Promise.all(cases.map(fails));
});

test("without control groups memory is still watched, and children still ended", async () => {
  const bare = await Rig.make(runnerDriver, { withoutCages: true });
  const source = `
    import { spawn } from "node:child_process";
    export const forks = () => spawn("setsid", ["sleep", "63.5"], { detached: true, stdio: "ignore" }).pid;
    export const fills = async () => { const all = []; for (;;) { all.push(Buffer.alloc(4 << 20, 1)); await new Promise((next) => setTimeout(next, 2)); } };`;
  const run = {
    driver: "runner" as const,
    module: await bare.module(source),
    role: "task" as const,
  };
  const forked = await bare.run(briefOf({ run: { ...run, function: "forks" } }), "j1/0", {
    input: "[]",
  });
  const filled = await bare.run(
    briefOf({ run: { ...run, function: "fills" }, ...memoryOf(64 * MiB) }),
    "j1/1",
    { input: "[]" },
  );
  assert.equal(filled.error?.reason, "out-of-memory");
  await bare.close();
  assert.equal(bare.parts.processes.isAlive(Number(forked.result)), false);
});

test("whatever user code writes where its runner speaks, what is told of a task is in order", async () => {
  const lines = ["B\t{", "B\tnull", "u\tmuch", "l", "s\t1\t1e9\t", "q", "R", "?", ""];
  // Which number its task has it need not know: only that one is under way.
  const endings = ["null", "{}", '{"reason":1,"message":[]}'].map((text) =>
    Array.from({ length: 100 }, (_, number) => `f\t${number}\t1e999\tNaN\t${text}`).join("\n"),
  );
  for (const line of [...lines, ...endings]) {
    const { usage, error: told } = await step("tells", memoryOf(64 * MiB))(line);
    assert.ok(Object.values(usage).every(Number.isFinite), line);
    assert.equal(told !== undefined, endings.includes(line), line);
    if (!told) continue;
    assert.equal(typeof told.reason, "string", line);
    assert.equal(typeof told.message, "string", line);
  }
});

test("a runner that says it refused what nobody took back goes on with its task", async () => {
  const file = join(rig.folder, "begun");
  const { result } = await step("notesAndTells")(file, "x");
  assert.equal(result, '"told"');
  assert.equal(readFileSync(file, "utf8"), "x");
});

test("a task can be cancelled when its job is forgotten already", async () => {
  const task = step("sleeps")(600_000);
  while (rig.driver.running().every((work) => work !== task.work))
    await new Promise((wake) => setTimeout(wake, 5));
  rig.driver.forget(task.work.step.split("/")[0]!);
  rig.driver.cancel(task.work);
  assert.equal((await task).error?.reason, "cancelled");
});

test("a runner whose folder cannot be removed ends all the same", async () => {
  const failing = await Rig.make((parts) =>
    runnerDriver({
      ...parts,
      files: { ...parts.files, remove: () => Promise.reject(new Error("EACCES")) },
    }),
  );
  const key = await failing.module("export const one = () => 1;");
  const run: FunctionRun = { driver: "runner", module: key, function: "one", role: "task" };
  assert.equal((await failing.run(briefOf({ run }), "j1/0", { input: "[]" })).result, "1");
  await failing.close();
});
