import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { statSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { TestCloud } from "./cloud.ts";
import { until } from "./until.ts";

interface Step {
  tasks: { offered: number; succeeded: number };
}

/** A backup, and what was acknowledged before it was taken. */
export interface Backup {
  file: string;
  key: string;
  epoch: number;
  blob: string;
  content: Buffer;
  job: string;
  step: string;
  offered: number;
  succeeded: number;
}

/** Takes one of a new cloud while tasks are added and run, after a job that has ended and a large blob. */
export async function backUp(cloud: TestCloud, folder: string, name: string): Promise<Backup> {
  const command = ["sh", "-c", "echo kept > out; echo done"];
  const run = await cloud.canopy("run", "--json", "--output", "out", "--", ...command);
  assert.equal(run.code, 0, run.stderr);
  const content = randomBytes(3_000_000);
  const blob = await sendBlob(cloud, content);
  const { id } = await cloud.call<{ id: string }>("POST", "/v1/jobs", {
    title: "many",
    steps: [
      { name: "work", run: { driver: "process", command: ["true"] }, source: { type: "list" } },
    ],
  });
  const step = `/v1/jobs/${id}/steps/0`;
  let acknowledged = 0;
  let isOver = false;
  const load = (async () => {
    while (!isOver) {
      const inputs = Array.from({ length: 40 }, (_, index) => acknowledged + index);
      await cloud.call("POST", `${step}/tasks`, { from: acknowledged, inputs });
      acknowledged += inputs.length;
      await sleep(50);
    }
  })();
  await Promise.race([load, until("400 tasks are acknowledged", () => acknowledged >= 400)]);
  const file = join(folder, `${name}.tar`);
  const offered = acknowledged;
  const { succeeded } = (await cloud.call<Step>("GET", step)).tasks;
  const taken = await cloud.canopy("backup", file, "--secrets", "--json");
  isOver = true;
  await load;
  assert.equal(taken.code, 0, taken.stderr);
  assert.equal(statSync(file).mode & 0o077, 0, "nobody else reads it");
  const { epoch } = await cloud.call<{ epoch: number }>("GET", "/v1/status");
  return { file, key: cloud.key, epoch, blob, content, job: id, step, offered, succeeded };
}

async function sendBlob(cloud: TestCloud, content: Buffer): Promise<string> {
  const answer = await fetch(`${cloud.url}/v1/blobs`, {
    method: "POST",
    headers: { authorization: `Bearer ${cloud.key}`, "content-type": "application/octet-stream" },
    body: new Uint8Array(content),
  });
  return ((await answer.json()) as { key: string }).key;
}

/** That a cloud has all that was acknowledged before a backup, finishes what was under way, and takes more. */
export async function assertHolds(cloud: TestCloud, backup: Backup): Promise<void> {
  assert.equal(cloud.key, backup.key);
  const { epoch } = await cloud.call<{ epoch: number }>("GET", "/v1/status");
  assert.ok(epoch > backup.epoch + 1000, "fences of before are outlived");
  const { step, job, blob, content } = backup;
  const { tasks } = await cloud.call<Step>("GET", step);
  assert.ok(tasks.offered >= backup.offered, `${tasks.offered} of ${backup.offered}`);
  assert.ok(tasks.succeeded >= backup.succeeded, `${tasks.succeeded} of ${backup.succeeded}`);
  const { offered } = tasks;
  await cloud.call("POST", `${step}/tasks`, { from: offered, inputs: [offered], close: true });
  const { phase } = await cloud.call<{ phase: string }>(
    "GET",
    `/v1/jobs/${job}/result?waitMs=30000`,
  );
  assert.equal(phase, "succeeded");
  assert.equal((await cloud.call<Step>("GET", step)).tasks.succeeded, offered + 1);
  const read = await fetch(`${cloud.url}/v1/blobs/${blob}`, {
    headers: { authorization: `Bearer ${cloud.key}` },
  });
  assert.ok(content.equals(Buffer.from(await read.arrayBuffer())));
  const jobs = await cloud.call<{ items: { phase: string }[] }>("GET", "/v1/jobs");
  assert.deepEqual(
    jobs.items.map((one) => one.phase),
    ["succeeded", "succeeded"],
  );
  const run = await cloud.canopy("run", "--", "echo", "on");
  assert.equal(run.stdout, "on\n", run.stderr);
}
