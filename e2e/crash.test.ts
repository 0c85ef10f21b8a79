import assert from "node:assert/strict";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { test } from "node:test";
import type { TestCloud } from "./cloud.ts";
import { newCloud } from "./clouds.ts";
import { until } from "./until.ts";

/** Calls again for as long as the cloud is down. Every call made through it may be repeated. */
async function persist<T>(call: () => Promise<T>): Promise<T> {
  for (let tries = 0; ; tries++) {
    try {
      return await call();
    } catch (thrown) {
      const isDown = thrown instanceof TypeError; // what fetch throws when there is no answer
      if (!isDown || tries > 200) throw thrown;
      await sleep(50);
    }
  }
}

async function putModule(cloud: TestCloud, source: string): Promise<string> {
  const response = await fetch(`${cloud.url}/v1/blobs`, {
    method: "POST",
    headers: { authorization: `Bearer ${cloud.key}`, "content-type": "application/octet-stream" },
    body: source,
  });
  return ((await response.json()) as { key: string }).key;
}

test("kill -9 of the cloud and of the agent loses no acknowledged task, and records each result once", async () => {
  const cloud = newCloud();
  await cloud.up();
  const module = await putModule(cloud, "export const square = async (x) => x * x;");
  const { id } = await cloud.call<{ id: string }>("POST", "/v1/jobs", {
    title: "squares",
    steps: [
      {
        name: "square",
        run: { driver: "runner", module, function: "square" },
        needs: { cpus: 0.5 },
        source: { type: "list" },
      },
    ],
  });
  const path = `/v1/jobs/${id}/steps/0`;
  const batchTasks = 50;
  const batches = 60;
  let acknowledged = 0;
  const offering = (async () => {
    for (let batch = 0; batch < batches; batch++) {
      const from = batch * batchTasks;
      const inputs = Array.from({ length: batchTasks }, (_, index) => [from + index]);
      const close = batch === batches - 1;
      await persist(() => cloud.call("POST", `${path}/tasks`, { from, inputs, close }));
      acknowledged = from + batchTasks;
      await sleep(60);
    }
  })();
  for (let kill = 0; kill < 4; kill++) {
    await until("more tasks are acknowledged", () => acknowledged >= (kill + 1) * 10 * batchTasks);
    if (kill % 2 === 1) process.kill(cloud.agentPid, "SIGKILL");
    await cloud.kill();
    const before = acknowledged;
    await cloud.up();
    const step = await cloud.call<{ tasks: { offered: number } }>("GET", path);
    assert.ok(
      step.tasks.offered >= before,
      `${step.tasks.offered} tasks are known, ${before} were acknowledged`,
    );
  }
  await offering;
  const response = await fetch(`${cloud.url}${path}/results`, {
    headers: { authorization: `Bearer ${cloud.key}` },
  });
  const lines = (await response.text())
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  const end = lines.pop();
  assert.deepEqual(
    lines,
    Array.from({ length: batches * batchTasks }, (_, index) => ({ index, result: index * index })),
  );
  assert.equal(end.end.succeeded, batches * batchTasks);
  const job = await cloud.call<{ phase: string }>("GET", `/v1/jobs/${id}`);
  assert.equal(job.phase, "succeeded");
});

test("up starts its agent again when that dies, and brings it along to another port", async () => {
  const cloud = newCloud();
  await cloud.up();
  const first = cloud.agentPid;
  process.kill(first, "SIGKILL");
  const again = await cloud.canopy("run", "--", "echo", "hi");
  assert.equal(again.stdout, "hi\n", again.stderr);
  assert.notEqual(cloud.agentPid, first);

  await cloud.kill();
  cloud.port = 0;
  await cloud.up();
  const elsewhere = await cloud.canopy("run", "--", "echo", "hello");
  assert.equal(elsewhere.stdout, "hello\n", elsewhere.stderr);
});

test("a durable job goes on from its last finished step when everything is killed", async () => {
  const cloud = newCloud();
  await cloud.up();
  const trace = join(cloud.dataFolder, "trace");
  writeFileSync(trace, "");
  const jobFile = join(cloud.dataFolder, "job.ts");
  const sdkFile = new URL("../src/sdk/sdk.ts", import.meta.url).pathname;
  writeFileSync(
    jobFile,
    `import { appendFileSync } from "node:fs";
import { job, task } from ${JSON.stringify(sdkFile)};
export const stage = task(async (name: string) => {
  await new Promise((resolve) => setTimeout(resolve, 300));
  appendFileSync(${JSON.stringify(trace)}, name + "\\n");
  return name.toUpperCase();
});
export default job(async () => {
  const done: string[] = [];
  for (const name of ["a", "b", "c", "d", "e", "f"]) done.push(await stage(name));
  return done.join("");
});
`,
  );
  const started = await cloud.canopy("run", jobFile, "--detach", "--json");
  assert.equal(started.code, 0, started.stderr);
  const { id } = JSON.parse(started.stdout) as { id: string };
  const stagesRun = () => readFileSync(trace, "utf8").trim().split("\n");
  for (const count of [2, 4]) {
    await until(`${count} stages have run`, () => stagesRun().length >= count);
    process.kill(cloud.agentPid, "SIGKILL");
    await cloud.kill();
    await cloud.up();
  }
  let result: { phase: string; result?: string } = { phase: "running" };
  for (let tries = 0; result.phase === "running" && tries < 60; tries++) {
    result = await cloud.call("GET", `/v1/jobs/${id}/result?waitMs=1000`);
  }
  assert.equal(result.phase, "succeeded", JSON.stringify(result));
  assert.equal(result.result, '"ABCDEF"');
  const stages = stagesRun();
  // A step that was under way at a kill may run twice; one that had finished never does.
  assert.ok(stages.length <= 6 + 2, `ran ${stages.join(" ")}`);
  assert.equal([...new Set(stages)].join(""), "abcdef");
  rmSync(trace);
});
