import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { test } from "node:test";
import { postgresMissing } from "#/base/testing/postgres-server.ts";
import { allOf } from "#/sdk/client.ts";
import type { JobDetail, Page, ProjectView, TaskDetail } from "#/model/views.ts";
import { newSharedCloud } from "./clouds.ts";
import type { SharedCloud } from "./shared-cloud.ts";
import { until } from "./until.ts";

assert.equal(postgresMissing, undefined);

/** Makes projects one after the other until told to end: gives the names of those that were acknowledged. */
async function startWriting(cloud: SharedCloud) {
  const client = await cloud.client();
  const acknowledged: string[] = [];
  let isOver = false;
  const writing = (async () => {
    for (let number = 0; !isOver; number++) {
      const name = `p${number}`;
      await client.http.json("POST", "/v1/projects", { body: { name, title: name } });
      acknowledged.push(name);
      await sleep(30);
    }
  })();
  writing.catch(() => {}); // thrown by end()
  return {
    acknowledged,
    async end(): Promise<void> {
      isOver = true;
      await writing;
      const projects = await Array.fromAsync(allOf((page) => client.projects(page)));
      const kept = new Set(projects.map(({ name }) => name));
      for (const name of acknowledged) assert.ok(kept.has(name), `${name} was acknowledged`);
    },
  };
}

const outputBytes = 200_000;

/** Submits tasks that leave a line for each time that they run, and a file too large for the log. */
async function startJob(cloud: SharedCloud, tasks: number, seconds: number) {
  const trace = join(cloud.folder, `trace-${tasks}-${seconds}`);
  mkdirSync(trace);
  const script = `echo ran >> ${trace}/{}; sleep ${seconds}; head -c ${outputBytes} /dev/zero > out`;
  const { id } = await (
    await cloud.client()
  ).submitJob({
    title: "long",
    steps: [
      {
        name: "main",
        run: { driver: "process", command: ["sh", "-c", script] },
        needs: { cpus: 1, memoryBytes: 1 << 20 },
        outputs: [{ path: "out" }],
        source: { type: "inputs", inputs: Array.from({ length: tasks }, (_, at) => at) },
      },
    ],
  });
  const runs = () =>
    readdirSync(trace).map(
      (name) => readFileSync(join(trace, name), "utf8").split("\n").length - 1,
    );
  return {
    id,
    runs,
    async ended(): Promise<JobDetail> {
      const client = await cloud.client();
      await until(
        "the job has ended",
        async () => (await client.result(id, 5_000)).phase !== "running",
      );
      return await client.job(id);
    },
  };
}

test("kill -9 of two leaders, one after the other: a running job ends, each task having run once, and nothing acknowledged is lost", async () => {
  const cloud = await newSharedCloud(3, 2);
  const tasks = 12;
  const job = await startJob(cloud, tasks, 12);
  await until("all tasks run", () => job.runs().length === tasks);
  const writing = await startWriting(cloud);
  for (let kills = 0; kills < 2; kills++) {
    await until(
      "all that live follow or lead",
      async () => (await cloud.roles()).followers.length === 2 - kills,
    );
    const { leader } = await cloud.roles();
    const count = writing.acknowledged.length;
    await leader.kill();
    await until("writes are acknowledged again", () => writing.acknowledged.length > count + 20);
  }
  const alive = (await cloud.roles()).leader;
  const { code, stdout } = await alive.canopy("run", "--", "echo", "hi");
  assert.equal(code, 0);
  assert.match(stdout, /^hi$/m);
  await writing.end();
  const { phase, tasks: counts } = await job.ended();
  assert.equal(phase, "succeeded");
  assert.equal(counts.succeeded, tasks);
  assert.equal(counts.lost, 0);
  assert.deepEqual(job.runs(), Array(tasks).fill(1));

  const client = await cloud.client();
  const task: TaskDetail = await client.task(job.id, 0, 7);
  assert.equal((await client.getBlob(task.outputs["out"]!)).length, outputBytes);
});

test("a leader that was paused is deposed, and when it wakes hands out and records nothing", async () => {
  const cloud = await newSharedCloud(2, 1);
  const { leader, followers } = await cloud.roles();
  const [follower] = followers as [(typeof followers)[number]];
  process.kill(leader.pid, "SIGSTOP");
  const answers = Array.from({ length: 5 }, (_, number) =>
    fetch(`${leader.url}/v1/projects`, {
      method: "POST",
      headers: { authorization: `Bearer ${leader.key}`, "content-type": "application/json" },
      body: JSON.stringify({ name: `asleep-${number}`, title: "" }),
    }),
  );
  const leads = async () => {
    const { controlPlanes } = await follower.call<{
      controlPlanes: { url: string; role: string }[];
    }>("GET", "/v1/status");
    return controlPlanes[0]!.url === follower.url && controlPlanes[0]!.role === "leader";
  };
  await until("the other one leads", () => leads().catch(() => false));
  const { id } = await follower.call<{ id: string }>("POST", "/v1/jobs", {
    title: "after",
    steps: [{ name: "main", run: { driver: "process", command: ["true"] } }],
  });
  process.kill(leader.pid, "SIGCONT");
  const statuses = await Promise.all(answers.map(async (answer) => (await answer).status));
  const { items } = await follower.call<Page<ProjectView>>("GET", "/v1/projects");
  const names = new Set(items.map(({ name }) => name));
  for (const [number, status] of statuses.entries()) {
    assert.ok([201, 503].includes(status), String(status));
    if (status === 201) assert.ok(names.has(`asleep-${number}`), "acknowledged, and kept");
  }
  const client = await cloud.client();
  await until(
    "the job has succeeded",
    async () => (await client.result(id, 5_000)).phase === "succeeded",
  );
  const { lost, succeeded } = (await client.job(id)).tasks;
  assert.deepEqual({ lost, succeeded }, { lost: 0, succeeded: 1 });
  await until("it follows", async () => (await cloud.roles()).followers.includes(leader));
});

test("a rolling restart of all control planes loses no call, and no running task", async () => {
  const cloud = await newSharedCloud(3, 1);
  const tasks = 4;
  const job = await startJob(cloud, tasks, 15);
  await until("all tasks run", () => job.runs().length === tasks);
  const writing = await startWriting(cloud);
  for (const plane of cloud.planes) {
    const count = writing.acknowledged.length;
    await plane.end();
    await cloud.up(plane);
    await until("writes are acknowledged again", () => writing.acknowledged.length > count + 20);
  }
  await writing.end();
  const { phase, tasks: counts } = await job.ended();
  assert.deepEqual({ phase, lost: counts.lost }, { phase: "succeeded", lost: 0 });
  assert.deepEqual(job.runs(), Array(tasks).fill(1));
});

test("PostgreSQL dies under load and comes back: the control planes go on, and nothing acknowledged is lost", async () => {
  const cloud = await newSharedCloud(2, 1);
  const tasks = 4;
  const job = await startJob(cloud, tasks, 15);
  await until("all tasks run", () => job.runs().length === tasks);
  const writing = await startWriting(cloud);
  for (const pauseMs of [100, 4_000]) {
    await until("a write is acknowledged", () => writing.acknowledged.length > 0);
    await cloud.postgres.kill();
    const count = writing.acknowledged.length;
    await sleep(pauseMs);
    await cloud.postgres.start();
    await until("writes are acknowledged again", () => writing.acknowledged.length > count + 20);
  }
  await writing.end();
  const { phase, tasks: counts } = await job.ended();
  assert.deepEqual({ phase, lost: counts.lost }, { phase: "succeeded", lost: 0 });
  assert.deepEqual(job.runs(), Array(tasks).fill(1));
});
