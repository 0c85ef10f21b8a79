import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { after, test } from "node:test";
import { TestCloud } from "./cloud.ts";

const folder = mkdtempSync(join(tmpdir(), "canopy-e2e-backup-"));
const clouds: TestCloud[] = [];
after(async () => {
  for (const cloud of clouds) await cloud.stop();
  rmSync(folder, { recursive: true });
});

function newCloud(): TestCloud {
  const cloud = new TestCloud();
  clouds.push(cloud);
  return cloud;
}

const open = (title: string, command: string[]) => ({
  title,
  steps: [{ name: "work", run: { driver: "process", command }, source: { type: "list" } }],
});

test("a cloud restored from a backup taken under load has all that was acknowledged before, and goes on", async () => {
  const cloud = newCloud();
  await cloud.up();
  const ended = await cloud.canopy("run", "--json", "--", "sh", "-c", "echo kept > out; echo done");
  assert.equal(ended.code, 0, ended.stderr);
  const large = "x".repeat(100_000);
  const source = await fetch(`${cloud.url}/v1/objects`, {
    method: "POST",
    headers: { authorization: `Bearer ${cloud.key}`, "content-type": "application/octet-stream" },
    body: large,
  });
  const { key: object } = (await source.json()) as { key: string };
  const { id } = await cloud.call<{ id: string }>("POST", "/v1/jobs", open("many", ["true"]));
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
  const file = join(folder, "backup.tar");
  const before = acknowledged;
  const succeeded = (await cloud.call<Step>("GET", steps)).tasks.succeeded;
  const taken = await cloud.canopy("backup", file, "--secrets", "--json");
  state.isOver = true;
  await load;
  assert.equal(taken.code, 0, taken.stderr);
  assert.equal(statSync(file).mode & 0o077, 0, "nobody else reads it");
  const { epoch } = await cloud.call<{ epoch: number }>("GET", "/v1/status");
  await cloud.kill();

  const again = newCloud();
  rmSync(again.dataFolder, { recursive: true });
  const restored = await cloud.canopy("restore", file, "--data", again.dataFolder, "--json");
  assert.equal(restored.code, 0, restored.stderr);
  await again.up();
  assert.equal(again.key, cloud.key);
  const status = await again.call<{ epoch: number }>("GET", "/v1/status");
  assert.ok(status.epoch > epoch + 1000, "fences of before are outlived");
  const step = await again.call<Step>("GET", steps);
  assert.ok(step.tasks.offered >= before, `${step.tasks.offered} of ${before}`);
  assert.ok(step.tasks.succeeded >= succeeded, `${step.tasks.succeeded} of ${succeeded}`);
  const { offered } = step.tasks;
  await again.call("POST", `${steps}/tasks`, { from: offered, inputs: [offered], close: true });
  const { phase } = await again.call<{ phase: string }>(
    "GET",
    `/v1/jobs/${id}/result?waitMs=30000`,
  );
  assert.equal(phase, "succeeded");
  const done = await again.call<Step>("GET", steps);
  assert.equal(done.tasks.succeeded, offered + 1);
  const read = await fetch(`${again.url}/v1/objects/${object}`, {
    headers: { authorization: `Bearer ${again.key}` },
  });
  assert.equal(await read.text(), large);
  const jobs = await again.call<{ items: { title: string; phase: string }[] }>("GET", "/v1/jobs");
  assert.equal(jobs.items.length, 2);
  for (const job of jobs.items) assert.equal(job.phase, "succeeded");
  const run = await again.canopy("run", "--", "echo", "on");
  assert.equal(run.stdout, "on\n", run.stderr);
});

test("restore refuses a folder that holds something, and a file that is no backup", async () => {
  const cloud = newCloud();
  await cloud.up();
  const file = join(folder, "other.tar");
  assert.equal((await cloud.canopy("backup", file)).code, 0);
  const full = await cloud.canopy("restore", file, "--data", cloud.dataFolder);
  assert.equal(full.code, 5);
  assert.match(full.stderr, /must be empty/);
  const target = join(folder, "target");
  const none = await cloud.canopy(
    "restore",
    join(cloud.dataFolder, "root-token"),
    "--data",
    target,
  );
  assert.equal(none.code, 2, none.stderr);
  assert.match(readFileSync(file, "latin1"), /manifest.json/);
  const viewer = await cloud.canopy("key", "create", "looks", "--role", "viewer", "--json");
  const { key } = JSON.parse(viewer.stdout) as { key: string };
  const answer = await fetch(`${cloud.url}/v1/backup`, {
    headers: { authorization: `Bearer ${key}` },
  });
  assert.equal(answer.status, 403);
});

interface Step {
  tasks: { offered: number; succeeded: number };
}
