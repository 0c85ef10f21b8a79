import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { TestCloud } from "./cloud.ts";
import { newCloud } from "./clouds.ts";

/** Someone who appends tasks to one job, one call after the other, and knows what was acknowledged. */
class Master {
  acknowledged = 0;
  #cloud: TestCloud;
  #job = "";

  constructor(cloud: TestCloud) {
    this.#cloud = cloud;
  }

  async begin(): Promise<void> {
    const run = { driver: "process", command: ["true"] };
    const steps = [{ name: "work", run, source: { type: "list" } }];
    const { id } = await this.#cloud.call<{ id: string }>("POST", "/v1/jobs", {
      title: "many",
      steps,
    });
    this.#job = id;
  }

  /** Some calls of a few tasks, some of many: the log syncs those in two ways. */
  async append(tasks = this.acknowledged % 3 === 0 ? 40 : 2, inputBytes = 8): Promise<void> {
    const from = this.acknowledged;
    const input = "x".repeat(inputBytes);
    const inputs = Array.from({ length: tasks }, () => input);
    const path = `/v1/jobs/${this.#job}/steps/0/tasks`;
    const late = sleep(3_000, "late");
    const answer = await Promise.race([this.#cloud.call("POST", path, { from, inputs }), late]);
    if (answer === "late") throw new Error("it is not answered");
    this.acknowledged += tasks;
  }

  /** Goes on until a call is not answered, and gives what was said. */
  async appendUntilRefused(tasks?: number, inputBytes?: number): Promise<string> {
    for (;;) {
      try {
        await this.append(tasks, inputBytes);
      } catch (thrown) {
        return String(thrown);
      }
    }
  }

  /** What the cloud knows must be all that it acknowledged; what is there beyond counts from now on. */
  async check(): Promise<void> {
    const { tasks } = await this.#cloud.call<{ tasks: { offered: number } }>(
      "GET",
      `/v1/jobs/${this.#job}/steps/0`,
    );
    assert.ok(
      tasks.offered >= this.acknowledged,
      `${tasks.offered} tasks are known, ${this.acknowledged} were acknowledged`,
    );
    this.acknowledged = tasks.offered;
  }
}

/** Does something to the nth of a kind of system call, of each thread. */
const tracer = (call: string, what: string) =>
  ["strace", "-f", "-qq", "-o", "/dev/null", "-e", `trace=${call}`].concat([
    "-e",
    `inject=${call}:${what}`,
  ]);

test("a cloud killed at any sync, write or rename loses nothing acknowledged", async () => {
  const cloud = newCloud();
  await cloud.up("--no-agent");
  const master = new Master(cloud);
  await master.begin();
  const points = { fdatasync: [2, 12], pwrite64: [50, 250], fsync: [1], rename: [2] };
  let kills = 0;
  for (const [call, numbers] of Object.entries(points)) {
    for (const number of numbers) {
      await cloud.kill();
      cloud.startedBy = tracer(call, `signal=KILL:when=${number}`);
      const isUp = await cloud.up("--no-agent").then(
        () => true,
        () => false,
      );
      if (isUp) {
        await master.check();
        await Promise.race([
          Promise.all([master.appendUntilRefused(), putBlobs(cloud)]),
          sleep(4_000),
        ]);
      }
      if ((await Promise.race([cloud.ended(), sleep(2_000)])) === "SIGKILL") kills++;
      else await cloud.kill();
      cloud.startedBy = [];
      await cloud.up("--no-agent");
      await master.check();
    }
  }
  assert.ok(kills >= 5, `${kills} kills`);
  assert.ok(master.acknowledged >= 100, `${master.acknowledged} tasks`);
});

/** Blobs are files, which are renamed into place. */
async function putBlobs(cloud: TestCloud): Promise<void> {
  for (let number = 0; ; number++) {
    const response = await fetch(`${cloud.url}/v1/blobs`, {
      method: "POST",
      headers: { authorization: `Bearer ${cloud.key}`, "content-type": "application/octet-stream" },
      body: `blob ${number} at ${performance.now()}`,
    }).catch(() => undefined);
    if (!response?.ok) return;
  }
}

describe("a sync that fails ends the cloud, which acknowledges nothing after it:", () => {
  for (const number of [2, 9]) {
    test(`number ${number}`, async () => {
      const cloud = newCloud();
      // Node writes the compiled modules at its end, which takes seconds while each of its calls is traced.
      cloud.moreEnv = { NODE_DISABLE_COMPILE_CACHE: "1" };
      await cloud.up("--no-agent");
      const master = new Master(cloud);
      await master.begin();
      await master.append();
      await cloud.kill();
      cloud.startedBy = tracer("fdatasync", `error=EIO:when=${number}`);
      await cloud.up("--no-agent");
      await master.check();
      const said = await master.appendUntilRefused(2);
      assert.match(said, /fetch failed/, "the call is not answered");
      assert.equal(await cloud.ended(), 1);
      cloud.startedBy = [];
      await cloud.up("--no-agent");
      await master.check();
      await master.append();
    });
  }
});

test("a cloud that runs out of memory loses nothing acknowledged", async () => {
  const cloud = newCloud();
  cloud.moreEnv = { NODE_OPTIONS: "--max-old-space-size=96" };
  await cloud.up("--no-agent");
  const master = new Master(cloud);
  await master.begin();
  await master.appendUntilRefused(400, 10_000);
  assert.match(String(await cloud.ended()), /SIGABRT|SIGTRAP|SIGILL|133|134/);
  assert.ok(master.acknowledged >= 400, `${master.acknowledged} tasks`);
  cloud.moreEnv = {};
  await cloud.up("--no-agent");
  await master.check();
  await master.append();
});

test("a cloud whose disk is full refuses, keeps what it acknowledged, and goes on when there is space", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "canopy-full-"));
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=256m", "tmpfs", folder], { stdio: "ignore" });
  } catch {
    rmSync(folder, { recursive: true });
    return t.skip("only root may mount a small disk");
  }
  const cloud = newCloud(folder);
  try {
    const ballast = join(folder, "ballast");
    mkdirSync(ballast);
    writeFileSync(join(ballast, "file"), Buffer.alloc(160 * 1024 ** 2));
    await cloud.up("--no-agent");
    const master = new Master(cloud);
    await master.begin();
    const said = await master.appendUntilRefused(100, 10_000);
    assert.match(said, /no-space|not answered/);
    await assert.rejects(master.append(), /no-space/, "it stays so");
    rmSync(ballast, { recursive: true });
    for (let tries = 0; tries < 100; tries++) {
      if (!(await master.append().catch((thrown: unknown) => thrown))) break;
      await sleep(100);
    }
    await master.append();
    await cloud.kill();
    await cloud.up("--no-agent");
    await master.check();
    await cloud.stop();
  } finally {
    await cloud.stop();
    execFileSync("umount", [folder]);
    rmSync(folder, { recursive: true });
  }
});
