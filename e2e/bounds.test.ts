import assert from "node:assert/strict";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { test } from "node:test";
import { limits } from "#/base/limits.ts";
import { postgresMissing } from "#/base/testing/postgres-server.ts";
import { newSharedCloud } from "./clouds.ts";
import { until } from "./until.ts";

assert.equal(postgresMissing, undefined);

/** How long things may take at most: the table of docs/reliability.md. */
const machineGoneMsMax = 10_000;
const leaderGoneMsMax = 3_000;
/** What a computer that is busy with other tests may come too late by. */
const roomMs = 5_000;

const cloud = await newSharedCloud(3, 2);
const client = await cloud.client();
const tasks = 4;

/** A job whose tasks all run, and do something else when they run again; one of its machines, and how many of them that has. */
async function startJob(title: string, first: string, again = "true") {
  const file = join(cloud.folder, title);
  writeFileSync(file, "");
  const script = `echo {} >> ${file}; if [ $(grep -cx {} ${file}) = 1 ]; then ${first}; else ${again}; fi`;
  const { id } = await client.submitJob({
    title,
    steps: [
      {
        name: "main",
        run: { driver: "process", command: ["sh", "-c", script] },
        needs: { cpus: 1, memoryBytes: 1 << 20 },
        retries: 0,
        source: { type: "inputs", inputs: Array.from({ length: tasks }, (_, at) => at) },
      },
    ],
  });
  const begun = () => readFileSync(file, "utf8").split("\n").length - 1;
  await until("all tasks run", () => begun() === tasks);
  const of = (
    await Promise.all(Array.from({ length: tasks }, (_, at) => client.task(id, 0, at)))
  ).map(({ machine }) => machine);
  const agent = cloud.agents.find(({ machine }) => machine === of[0])!;
  const held = of.filter((machine) => machine === of[0]).length;
  return { id, begun, agent, held };
}

async function endOf(id: string) {
  await until(
    "the job has ended",
    async () => (await client.result(id, 5_000)).phase !== "running",
  );
  const { phase, tasks: counts } = await client.job(id);
  return { phase, succeeded: counts.succeeded, lost: counts.lost };
}

test("a machine that is silent loses its tasks to others within 10 s, and what it says of them later changes nothing", async () => {
  const path = (name: string) => join(cloud.folder, `silent-${name}`);
  const wait = (name: string) => `until [ -e ${path(name)} ]; do sleep 0.1; done`;
  const first = `${wait("fail")}; touch ${path("failed-{}")}; exit 3`;
  const { id, begun, agent, held } = await startJob("silent", first, wait("end"));
  agent.signal("SIGSTOP");
  const startMs = performance.now();
  await until("its tasks have begun elsewhere", () => begun() === tasks + held);
  const elapsedMs = performance.now() - startMs;
  writeFileSync(path("fail"), "");
  const failed = () => readdirSync(cloud.folder).filter((name) => name.startsWith("silent-failed"));
  await until("its attempts have failed", () => failed().length === held);
  agent.signal("SIGCONT");
  await until("it is heard again", async () => (await client.machine(agent.machine!)).connected);
  writeFileSync(path("end"), "");
  assert.ok(elapsedMs <= machineGoneMsMax + roomMs, `${elapsedMs} ms`);
  assert.deepEqual(await endOf(id), { phase: "succeeded", succeeded: tasks, lost: held });
  assert.equal(begun(), tasks + held);
});

test("a machine that comes back before its lease is over keeps its tasks", async () => {
  const { id, begun, agent } = await startJob("back", "sleep 12");
  // It was last heard up to one beat before.
  agent.signal("SIGSTOP");
  await sleep(limits.leaseMs - limits.heartbeatMs - 1_500);
  agent.signal("SIGCONT");
  assert.deepEqual(await endOf(id), { phase: "succeeded", succeeded: tasks, lost: 0 });
  assert.equal(begun(), tasks);
});

test("another control plane leads within 3 s after the leader died, and takes writes", async () => {
  await until(
    "all control planes are there",
    async () => (await cloud.roles()).followers.length === 2,
  );
  const { leader, followers } = await cloud.roles();
  await leader.kill();
  const startMs = performance.now();
  let number = 0;
  await until("a write is acknowledged", () => {
    const name = `p${number++}`;
    return followers[0]!.call("POST", "/v1/projects", { name, title: name }).then(
      () => true,
      () => false,
    );
  });
  const elapsedMs = performance.now() - startMs;
  assert.ok(elapsedMs <= leaderGoneMsMax + roomMs, `${elapsedMs} ms`);
});

test("a machine that is gone for good loses its tasks to others within 10 s", async () => {
  const { id, begun, agent, held } = await startJob("gone", "sleep 20");
  await agent.kill();
  const startMs = performance.now();
  await until("its tasks have begun elsewhere", () => begun() === tasks + held);
  const elapsedMs = performance.now() - startMs;
  assert.ok(elapsedMs <= machineGoneMsMax + roomMs, `${elapsedMs} ms`);
  assert.deepEqual(await endOf(id), { phase: "succeeded", succeeded: tasks, lost: held });
});
