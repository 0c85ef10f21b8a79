import assert from "node:assert/strict";
import { rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { Cages } from "../processes.ts";
import { nodeProcesses as processes } from "./processes.ts";

const env = { PATH: process.env["PATH"] ?? "/usr/bin:/bin" };
const folder = tmpdir();
const owner = `canopy-test-${process.pid}`;

after(() => processes.cages(owner)?.close());

async function textOf(source: AsyncIterable<Uint8Array>): Promise<string> {
  let text = "";
  for await (const piece of source) text += Buffer.from(piece).toString();
  return text;
}

test("spawn() tells a missing program from one that failed, in a cage or not", async (t) => {
  const cages = processes.cages(owner);
  for (const cage of [undefined, cages?.make("missing", {})]) {
    const child = processes.spawn(["no-such-program"], { folder, env, ...(cage && { cage }) });
    await assert.rejects(child.ended, { code: "not-found" });
    const locked = processes.spawn(["/etc/passwd"], { folder, env, ...(cage && { cage }) });
    await assert.rejects(locked.ended, { code: "forbidden" });
    const failing = processes.spawn(["sh", "-c", "exit 127"], {
      folder,
      env,
      ...(cage && { cage }),
    });
    assert.deepEqual(await failing.ended, { code: 127, signal: undefined });
    cage?.remove();
  }
  if (!cages) t.diagnostic("this machine lets us make no cages");
});

test("spawn() shares a board of numbers with the child", async () => {
  const script = `
    const fs = require("node:fs"), bytes = Buffer.alloc(4);
    fs.readSync(4, bytes, 0, 4, 4);
    bytes.writeInt32LE(bytes.readInt32LE(0) + 1, 0);
    fs.writeSync(4, bytes, 0, 4, 0);`;
  const child = processes.spawn([processes.nodePath, "-e", script], {
    folder,
    env,
    channel: true,
    board: true,
  });
  child.board!.write(1, 41);
  await child.ended;
  assert.equal(child.board!.read(0), 42);
  child.board!.close();
});

test("spawn() gives whole lines of a channel, however they were cut", async () => {
  const script = `
    const fs = require("node:fs");
    for (const piece of ["one\\ntw", "o\\n", "thr", "ee\\nfour"]) {
      fs.writeSync(3, piece);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
    }`;
  const child = processes.spawn([processes.nodePath, "-e", script], { folder, env, channel: true });
  const lines: string[] = [];
  child.channel!.onLines = (some) => lines.push(...some);
  await child.ended;
  assert.deepEqual(lines, ["one", "two", "three"]);
});

test("marked() finds what left its group, by its environment", async () => {
  const mark = `${owner}-mark`;
  const child = processes.spawn(["setsid", "sleep", "60"], {
    folder,
    env: { ...env, CANOPY_MARK: mark },
  });
  let found: number[] = [];
  while (found.length === 0) {
    await new Promise((next) => setTimeout(next, 5)); // a moment after its start it still has the environment of this one
    found = processes.marked("CANOPY_MARK", mark);
  }
  for (const pid of found) processes.kill(pid);
  await child.ended;
  while (processes.marked("CANOPY_MARK", mark).length > 0)
    await new Promise((next) => setTimeout(next, 5));
});

function caged(cages: Cages | undefined, t: { skip(why: string): void }): Cages | undefined {
  if (!cages) t.skip("control groups may not be made here");
  return cages;
}

test("a cage ends what takes more memory than it may, and counts it", async (t) => {
  const cages = caged(processes.cages(owner), t);
  if (!cages) return;
  const cage = cages.make("memory", { memoryBytes: 96 << 20, processes: 64 });
  const script = "const all = []; for (;;) all.push(Buffer.alloc(8 << 20, 1));";
  const child = processes.spawn([processes.nodePath, "-e", script], { folder, env, cage });
  assert.equal((await child.ended).signal, "SIGKILL");
  assert.ok(cage.usage().memoryKills > 0);
  assert.ok(cage.usage().memoryPeakBytes > 80 << 20);
  assert.ok(cage.remove());
});

test("a cage keeps hold of what left its process group, and kills it", async (t) => {
  const cages = caged(processes.cages(owner), t);
  if (!cages) return;
  const cage = cages.make("escape", { processes: 64 });
  const child = processes.spawn(["sh", "-c", "setsid sleep 60 & echo started"], {
    folder,
    env,
    cage,
  });
  const text = textOf(child.stdout);
  await child.ended;
  assert.equal(cage.isEmpty(), false);
  cage.kill();
  while (!cage.remove()) await new Promise((next) => setTimeout(next, 2));
  assert.equal(await text, "started\n");
});

test("a cage holds a program to its CPUs", async (t) => {
  const cages = caged(processes.cages(owner), t);
  if (!cages) return;
  const cage = cages.make("cpu", { milliCpus: 200 });
  const script = "const until = Date.now() + 500; while (Date.now() < until);";
  const began = performance.now();
  await processes.spawn([processes.nodePath, "-e", script], { folder, env, cage }).ended;
  const tookMs = performance.now() - began;
  const { cpuMs } = cage.usage();
  assert.ok(cpuMs > 50 && cpuMs < 0.25 * tookMs + 50, `${cpuMs} ms of ${tookMs}`);
  cage.remove();
});

test("cages() that last give again what an earlier life of their owner left", async (t) => {
  const cages = caged(processes.cages(owner), t);
  if (!cages) return;
  const child = processes.spawn(["sleep", "60"], { folder, env, cage: cages.make("lasting", {}) });
  await new Promise((next) => setTimeout(next, 30));
  const again = processes.cages(owner, { lasting: true })!.make("lasting", { processes: 8 });
  assert.equal(again.isEmpty(), false);
  again.kill();
  assert.equal((await child.ended).signal, "SIGKILL");
  while (!again.remove()) await new Promise((next) => setTimeout(next, 2));
});

test("cages() ends what an earlier life of its owner left", async (t) => {
  const cages = caged(processes.cages(owner), t);
  if (!cages) return;
  const child = processes.spawn(["sleep", "60"], { folder, env, cage: cages.make("left", {}) });
  await new Promise((next) => setTimeout(next, 30));
  processes.cages(owner);
  assert.equal((await child.ended).signal, "SIGKILL");
});

test("a cage that is frozen stands still with all that it starts, goes on when it is thawed, and ends frozen too", async (t) => {
  const cages = caged(processes.cages(owner), t);
  if (!cages) return;
  const cage = cages.make("frozen", { processes: 64 });
  const count = join(folder, `${owner}-count`);
  t.after(() => rmSync(count, { force: true }));
  const script = `while :; do ( echo x >>${count} ); done & while :; do ( echo x >>${count} ); done`;
  const child = processes.spawn(["sh", "-c", script], { folder, env, cage });
  const size = () => statSync(count, { throwIfNoEntry: false })?.size ?? 0;
  const until = async (isSo: () => boolean) => {
    while (!isSo()) await new Promise((next) => setTimeout(next, 5));
  };
  await until(() => size() > 0);
  await until(() => cage.freeze());
  const frozen = size();
  await new Promise((next) => setTimeout(next, 100));
  assert.equal(size(), frozen);
  cage.thaw();
  await until(() => size() > frozen);
  await until(() => cage.freeze());
  cage.kill();
  assert.equal((await child.ended).signal, "SIGKILL");
  await until(() => cage.remove());
});
