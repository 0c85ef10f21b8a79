import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, test } from "node:test";
import { limits } from "#/base/limits.ts";
import type { ProcessRun, TaskTemplate } from "#/model/task.ts";
import type { TaskOffer } from "#/model/wire.ts";
import { briefOf, Rig } from "../testing/rig.ts";
import { processDriver } from "./process.ts";

const rig = await Rig.make(processDriver);
after(() => rig.close());

const MiB = 1 << 20;
type Options = Partial<Omit<TaskTemplate, "run">> & Partial<ProcessRun>;

function run(command: string[], options: Options = {}, offer: Partial<TaskOffer> = {}, on = rig) {
  const { env = {}, stdin = false, ...template } = options;
  return on.run(
    briefOf({ run: { driver: "process", command, env, stdin }, ...template }),
    "j1/0",
    offer,
  );
}

const sh = (script: string, options: Options = {}, offer: Partial<TaskOffer> = {}, on = rig) =>
  run(["sh", "-c", script], options, offer, on);

const memoryOf = (memoryBytes: number) => ({ needs: { milliCpus: 1000, memoryBytes, labels: {} } });
const texts = ({ printed }: { printed: { text: string }[] }) => printed.map(({ text }) => text);

test("a program runs as it is: what it prints, its code, what it took", async () => {
  const ended = await sh("echo out; echo err >&2; seq 300000 | sort -n > /dev/null");
  assert.equal(ended.error, undefined);
  assert.equal(ended.exitCode, 0);
  assert.equal(ended.result, "null");
  assert.deepEqual(
    ended.printed.toSorted((a, b) => (a.text < b.text ? -1 : 1)),
    [
      { stream: "stderr", text: "err" },
      { stream: "stdout", text: "out" },
    ],
  );
  assert.ok(ended.usage.wallMs > 0 && ended.usage.cpuMs > 0 && ended.usage.memoryBytes > 0);
});

test("the input goes into words, environment and standard input", async () => {
  const offer = { input: '{"x":"a b","n":3}' };
  const ended = await run(
    ["sh", "-c", 'echo "$0|$1|$2|$Y"; cat', "{x}", "{n}{missing}", "{}"],
    { env: { Y: "<{x}>" }, stdin: true },
    offer,
  );
  assert.deepEqual(texts(ended), ['a b|3{missing}|{"x":"a b","n":3}|<a b>', '{"x":"a b","n":3}']);
});

test("declared files are put in before and taken out after", async () => {
  const key = await rig.blob("hello");
  const before = await rig.blob("#!/bin/sh\ntr a-z A-Z");
  const ended = await sh(
    "./tool < in/{n}.txt > out.txt",
    {
      inputs: [
        { path: "in/{n}.txt", from: { blob: key } },
        { path: "tool", from: { step: "j1/9", output: "tool" }, executable: true },
      ],
      outputs: [
        { path: "out.txt", optional: false },
        { path: "maybe.txt", optional: true },
      ],
    },
    { input: '{"n":1}', files: { tool: before } },
  );
  assert.equal(ended.error, undefined, ended.error?.message ?? "");
  assert.deepEqual(Object.keys(ended.outputs!), ["out.txt"]);
  assert.equal(await readFile(rig.blobs.get(ended.outputs!["out.txt"]!)!, "utf8"), "HELLO");
  assert.ok(ended.usage.readBytes > 5 && ended.usage.writtenBytes === 5);
});

test("a file that is missing is named, before and after", async () => {
  const input = await sh("true", { inputs: [{ path: "a", from: { blob: "none" } }] });
  assert.equal(input.error?.reason, "input-missing");
  assert.match(input.error!.message, /'a'/);
  const output = await sh("true", { outputs: [{ path: "b", optional: false }] });
  assert.equal(output.error?.reason, "output-missing");
  assert.match(output.error!.message, /'b' is not there/);
  const outside = await sh(
    "true",
    { outputs: [{ path: "{}", optional: false }] },
    { input: '"../../x"' },
  );
  assert.equal(outside.error?.reason, "not-started");
});

test("a program that fails says with what code and its last words", async () => {
  const { error, exitCode } = await sh("echo first >&2; echo 'no disk' >&2; exit 9");
  assert.deepEqual(error, {
    reason: "exited",
    message: "It ended with code 9: no disk",
    exitCode: 9,
  });
  assert.equal(exitCode, 9);
});

test("a program that is not there, or may not run, is not started", async () => {
  const missing = await run(["no-such-program"]);
  assert.equal(missing.error?.reason, "not-started");
  assert.match(missing.error!.message, /no such program/);
  assert.match((await run(["/etc/passwd"])).error!.message, /may not be executed/);
});

test("a program that is ended by a signal says by which", async () => {
  const { error } = await sh("kill -SEGV $$");
  assert.equal(error?.reason, "signalled");
  assert.match(error!.message, /SIGSEGV/);
});

test("a program that takes too long is asked to end, with all it started", async () => {
  const ended = await sh("trap 'echo bye; exit 0' TERM; sleep 64.5 & wait", { timeoutMs: 200 });
  assert.equal(ended.error?.reason, "timed-out");
  assert.match(ended.error!.message, /longer than 200ms/);
  assert.deepEqual(texts(ended).slice(0, 1), ["bye"]);
});

test("a program that does not listen is made to end", async () => {
  const ended = await sh("trap '' TERM; while :; do sleep 0.1; done", { timeoutMs: 100 });
  assert.equal(ended.error?.reason, "timed-out");
  assert.ok(ended.usage.wallMs >= limits.killGraceMs);
});

test("a program may print gigabytes: what is kept has a limit", async () => {
  const ended = await sh("head -c 64M /dev/zero | tr '\\0' x");
  assert.equal(ended.error, undefined);
  const bytes = texts(ended).reduce((sum, text) => sum + text.length, 0);
  assert.ok(bytes < limits.taskLogBytesMax * 1.2, `${bytes} bytes kept`);
});

test("a program that takes all memory fails alone", async () => {
  const neighbour = sh("sleep 0.5; echo fine");
  const { error } = await run(
    ["node", "-e", "const all = []; for (;;) all.push(Buffer.alloc(8 << 20, 1))"],
    {
      ...memoryOf(80 * MiB),
      env: { PATH: `${process.execPath.replace(/\/node$/, "")}:/usr/bin:/bin` },
    },
  );
  assert.equal(error?.reason, "out-of-memory");
  assert.match(error!.message, /80MiB/);
  assert.deepEqual(texts(await neighbour), ["fine"]);
});

test("what a program leaves running is ended with it", async () => {
  for (const on of [rig, await Rig.make(processDriver, { withoutCages: true })]) {
    const ended = await sh("setsid sleep 65.5 & sleep 65.5 & echo started", {}, {}, on);
    assert.equal(ended.error, undefined);
    assert.equal(texts(ended)[0], "started");
    assert.match(texts(ended)[1]!, /left behind were ended/);
    if (on !== rig) await on.close();
  }
});

test("without control groups memory is still watched", async () => {
  const bare = await Rig.make(processDriver, { withoutCages: true });
  const script = "const all = []; setInterval(() => all.push(Buffer.alloc(8 << 20, 1)), 2)";
  const { error } = await run([process.execPath, "-e", script], memoryOf(100 * MiB), {}, bare);
  assert.equal(error?.reason, "out-of-memory");
  await bare.close();
});

test("a program that forks without end is held", async (t) => {
  if (!rig.parts.cages) return t.skip("control groups may not be made here");
  const bomb = sh("f() { f | f & }; f; sleep 60", { timeoutMs: 300 });
  const neighbour = sh("echo fine");
  assert.deepEqual(texts(await neighbour), ["fine"]);
  assert.notEqual((await bomb).error, undefined);
});

test("start() waits for room, and cancel() ends what waits and what runs", async () => {
  const running = [sh("sleep 60"), sh("sleep 60")];
  const queued = sh("echo never");
  const next = sh("echo after");
  while (rig.driver.running().length < 2) await new Promise((resolve) => setTimeout(resolve, 5));
  for (const one of [queued, ...running]) rig.driver.cancel(one.work);
  for (const one of [queued, ...running]) assert.equal((await one).error?.reason, "cancelled");
  assert.deepEqual(texts(await next), ["after"]);
});

test("what a program leaves and nobody can remove neither fails it nor holds up a stop", async () => {
  const failing = await Rig.make((parts) =>
    processDriver({
      ...parts,
      files: { ...parts.files, remove: () => Promise.reject(new Error("EACCES")) },
    }),
  );
  const { error, exitCode } = await sh("true", {}, {}, failing);
  assert.deepEqual([error, exitCode], [undefined, 0]);
  await failing.close();
});
