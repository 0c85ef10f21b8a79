import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { randomBytes } from "node:crypto";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { limits } from "#/base/limits.ts";
import { postgresMissing } from "#/base/testing/postgres-server.ts";
import { canopyFile, TestCloud } from "./cloud.ts";
import { SharedCloud, until } from "./shared-cloud.ts";

assert.equal(postgresMissing, undefined);

const shared = await SharedCloud.start(2, 1);
const { postgres, folder } = shared;
const clouds: TestCloud[] = [];
after(async () => {
  for (const cloud of clouds) await cloud.stop();
  await shared.stop();
});

function newCloud(): TestCloud {
  const cloud = new TestCloud();
  clouds.push(cloud);
  return cloud;
}

/** The address of a new, empty database of the same server. */
async function newDatabase(name: string): Promise<string> {
  await postgres.sql(`CREATE DATABASE ${name}`);
  return postgres.url.replace(/postgres$/, name);
}

interface Step {
  tasks: { offered: number; succeeded: number };
}

interface Backup {
  file: string;
  key: string;
  epoch: number;
  object: string;
  content: Buffer;
  steps: string;
  id: string;
  /** Acknowledged before it was taken. */
  offered: number;
  succeeded: number;
}

async function send(cloud: TestCloud, content: Buffer): Promise<string> {
  const answer = await fetch(`${cloud.url}/v1/objects`, {
    method: "POST",
    headers: { authorization: `Bearer ${cloud.key}`, "content-type": "application/octet-stream" },
    body: new Uint8Array(content),
  });
  return ((await answer.json()) as { key: string }).key;
}

/** Takes one while tasks are added and run, after a job that has ended and an object. */
async function backUp(cloud: TestCloud, name: string): Promise<Backup> {
  const run = await cloud.canopy("run", "--json", "--", "echo", "done");
  assert.equal(run.code, 0, run.stderr);
  const content = randomBytes(3_000_000);
  const object = await send(cloud, content);
  const { id } = await cloud.call<{ id: string }>("POST", "/v1/jobs", {
    title: "many",
    steps: [
      { name: "work", run: { driver: "process", command: ["true"] }, source: { type: "list" } },
    ],
  });
  const steps = `/v1/jobs/${id}/steps/0`;
  let acknowledged = 0;
  const state = { isOver: false };
  const load = (async () => {
    while (!state.isOver) {
      const inputs = Array.from({ length: 40 }, (_, index) => acknowledged + index);
      await cloud.call("POST", `${steps}/tasks`, { from: acknowledged, inputs });
      acknowledged += inputs.length;
      await sleep(50);
    }
  })();
  while (acknowledged < 400) await sleep(20);
  const file = join(folder, `${name}.tar`);
  const offered = acknowledged;
  const { succeeded } = (await cloud.call<Step>("GET", steps)).tasks;
  const taken = await cloud.canopy("backup", file, "--secrets", "--json");
  state.isOver = true;
  await load;
  assert.equal(taken.code, 0, taken.stderr);
  const { epoch } = await cloud.call<{ epoch: number }>("GET", "/v1/status");
  return { file, key: cloud.key, epoch, object, content, steps, id, offered, succeeded };
}

/** That a cloud has all that was acknowledged before a backup, finishes what was under way, and takes more. */
async function assertHolds(cloud: TestCloud, backup: Backup): Promise<void> {
  assert.equal(cloud.key, backup.key);
  const { epoch } = await cloud.call<{ epoch: number }>("GET", "/v1/status");
  assert.ok(epoch > backup.epoch + 1000, "fences of before are outlived");
  const { steps, id, object, content } = backup;
  const { tasks } = await cloud.call<Step>("GET", steps);
  assert.ok(tasks.offered >= backup.offered, `${tasks.offered} of ${backup.offered}`);
  assert.ok(tasks.succeeded >= backup.succeeded, `${tasks.succeeded} of ${backup.succeeded}`);
  const { offered } = tasks;
  await cloud.call("POST", `${steps}/tasks`, { from: offered, inputs: [offered], close: true });
  const { phase } = await cloud.call<{ phase: string }>(
    "GET",
    `/v1/jobs/${id}/result?waitMs=30000`,
  );
  assert.equal(phase, "succeeded");
  assert.equal((await cloud.call<Step>("GET", steps)).tasks.succeeded, offered + 1);
  const read = await fetch(`${cloud.url}/v1/objects/${object}`, {
    headers: { authorization: `Bearer ${cloud.key}` },
  });
  assert.ok(content.equals(Buffer.from(await read.arrayBuffer())));
  const run = await cloud.canopy("run", "--", "echo", "on");
  assert.equal(run.stdout, "on\n", run.stderr);
}

async function doctor(cloud: TestCloud, ...flags: string[]): Promise<void> {
  const { code, stdout, stderr } = await cloud.canopy("doctor", ...flags);
  assert.equal(code, 0, stdout + stderr);
}

const backup = await backUp(shared.planes[1]!, "shared");

test("a backup of a shared cloud under load is restored into another database, and loses nothing", async () => {
  const log = await newDatabase("another");
  const cloud = newCloud();
  const restored = await cloud.canopy("restore", backup.file, "--log", log, "--json");
  assert.equal(restored.code, 0, restored.stderr);
  await doctor(cloud, "--log", log);
  await cloud.up("--log", log);
  await assertHolds(cloud, backup);
  await doctor(cloud, "--log", log);
});

test("a backup of a shared cloud is restored into a data folder, and loses nothing", async () => {
  const cloud = newCloud();
  rmSync(cloud.dataFolder, { recursive: true });
  const flags = ["--data", cloud.dataFolder];
  const [other] = shared.planes as [TestCloud];
  const restored = await other.canopy("restore", backup.file, ...flags);
  assert.equal(restored.code, 0, restored.stderr);
  await doctor(other, ...flags);
  await cloud.up();
  await assertHolds(cloud, backup);
});

test("a backup of a cloud with a log of its own is restored into a database, and loses nothing", async () => {
  const own = newCloud();
  await own.up();
  const taken = await backUp(own, "own");
  await own.kill();
  const log = await newDatabase("grown");
  const cloud = newCloud();
  const restored = await cloud.canopy("restore", taken.file, "--log", log);
  assert.equal(restored.code, 0, restored.stderr);
  await cloud.up("--log", log);
  await assertHolds(cloud, taken);
});

test("restore --log refuses a database with a cell, or anything else, and two places", async () => {
  const { file } = backup;
  const restore = (...flags: string[]) => newCloud().canopy("restore", file, ...flags);
  const taken = await restore("--log", postgres.url);
  assert.equal(taken.code, 5, taken.stderr);
  assert.match(taken.stderr, /where nothing is: current value is a cell 'main'/);
  await postgres.sql("CREATE SCHEMA shop; CREATE TABLE shop.orders (id int)");
  const other = await restore("--log", `${postgres.url}?schema=shop`);
  assert.equal(other.code, 5, other.stderr);
  assert.match(other.stderr, /a schema with 'orders' in it/);
  const both = await restore("--log", `${postgres.url}?schema=new`, "--data", folder);
  assert.equal(both.code, 2, both.stderr);
  const wrong = await restore("--log", "file:///tmp");
  assert.equal(wrong.code, 2, wrong.stderr);
});

test("a restore that is cut short is never started from, and done again begins anew", async () => {
  const log = `${postgres.url}?schema=halfway`;
  const child = spawn(canopyFile, ["restore", backup.file, "--log", log], { stdio: "ignore" });
  const ended = once(child, "exit");
  const isMarked = () =>
    postgres.sql("SELECT FROM halfway.meta WHERE key = 'restoring'").then(
      ({ length }) => length > 0,
      () => false, // there is no such table yet
    );
  await until(isMarked);
  child.kill("SIGKILL");
  await ended;
  assert.equal(child.signalCode, "SIGKILL", "it was cut short");
  const cloud = newCloud();
  const refused = await cloud.canopy("up", "--log", log, "--no-agent", "--port", "0");
  assert.equal(refused.code, 5, refused.stderr);
  assert.match(refused.stderr, /must be whole: it is not yet/);
  await sleep(limits.leaderSilentMs);
  const restored = await cloud.canopy("restore", backup.file, "--log", log);
  assert.equal(restored.code, 0, restored.stderr);
  await cloud.up("--log", log);
  await assertHolds(cloud, backup);
});
