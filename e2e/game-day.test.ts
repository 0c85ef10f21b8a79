import assert from "node:assert/strict";
import { join } from "node:path";
import { after, test } from "node:test";
import { newCloud } from "./clouds.ts";
import { JoinedAgent } from "./joined-agent.ts";
import { until } from "./until.ts";

const cloud = newCloud();
let joined: JoinedAgent | undefined;
after(() => joined?.stop());

interface Report {
  id: string;
  phase: string;
  alarm: boolean;
  restarts: number;
  totals: {
    hits: { task: number; agent: number };
    healed: number;
    open: number;
    givenUp: number;
    tasksLost: number;
    attemptsLost: number;
    notice: { worstMs: number };
    heal: { worstMs: number };
  };
  hitList: {
    target: string;
    subject: string;
    phase: string;
    lost: string[];
    tasks: number;
    noticedBy: string;
    releasedBy: string;
  }[];
}

const shortTasks = 300;
const longTasks = 4;

async function submit(step: object): Promise<string> {
  const needs = { cpus: 0.25 };
  const job = { title: "work", steps: [{ name: "work", needs, ...step }] };
  return (await cloud.call<{ id: string }>("POST", "/v1/jobs", job)).id;
}

async function resultsOf(job: string): Promise<unknown[]> {
  const response = await fetch(`${cloud.url}/v1/jobs/${job}/steps/0/results`, {
    headers: { authorization: `Bearer ${cloud.key}` },
  });
  const lines = (await response.text()).trim().split("\n");
  return lines
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as { index?: number; result?: unknown })
    .filter(({ index }) => index !== undefined)
    .map(({ result }) => result);
}

test("a game day that kills tasks, the agent and, by hand, the control plane too costs no result", async () => {
  await cloud.up();
  const refused = await cloud.canopy("chaos", "run", "--for", "1s");
  assert.equal(refused.code, 4, refused.stderr);
  assert.match(refused.stderr, /has no chaos policy.*\n.*canopy chaos policy set/);

  const policy = ["--targets", "tasks,agents", "--hits", "30", "--at-once", "3", "--last-machine"];
  const set = await cloud.canopy("chaos", "policy", "set", ...policy, "--gap", "100ms");
  assert.equal(set.code, 0, set.stderr);

  const module = await fetch(`${cloud.url}/v1/blobs`, {
    method: "POST",
    headers: { authorization: `Bearer ${cloud.key}`, "content-type": "application/octet-stream" },
    body: `export const slow = async (x, ms) => {
      await new Promise((resolve) => setTimeout(resolve, ms));
      return x * x;
    };`,
  }).then((response) => response.json() as Promise<{ key: string }>);
  const run = { driver: "runner", module: module.key, function: "slow" };
  const inputs = (count: number, ms: number) => ({
    type: "inputs",
    inputs: Array.from({ length: count }, (_, index) => [index, ms]),
  });
  const short = await submit({ run, source: inputs(shortTasks, 150) });
  const long = await submit({ run, source: inputs(longTasks, 3_000) });
  await until("tasks run", async () => (await runningOn()).some((count) => count > 0));

  const dry = await cloud.canopy("chaos", "run", "--dry-run");
  assert.match(dry.stdout, /may be hit: .*1 agent/);

  const wish = ["--for", "14s", "--every", "900ms", "--seed", "5"];
  const begun = await cloud.canopy("chaos", "run", ...wish, "--detach", "--json");
  assert.equal(begun.code, 0, begun.stderr);
  const { id } = JSON.parse(begun.stdout) as { id: string };
  await until("a task and the agent were hit", async () => {
    const { hits } = (await reportOf(id)).totals;
    return hits.task > 0 && hits.agent > 0;
  });
  await cloud.kill();
  await cloud.up();

  for (const job of [short, long]) {
    const phase = await endedPhaseOf(job);
    assert.equal(phase, "succeeded", (await cloud.canopy("chaos", "report", id)).stdout);
  }
  const squares = (count: number) => Array.from({ length: count }, (_, index) => index * index);
  assert.deepEqual(await resultsOf(short), squares(shortTasks));
  assert.deepEqual(await resultsOf(long), squares(longTasks));

  const report = await endOf(id);
  const { totals, hitList } = report;
  assert.equal(report.alarm, false);
  assert.equal(report.restarts, 1);
  assert.ok(totals.hits.task > 0, "no task was hit");
  assert.ok(totals.hits.agent > 0, "no agent was hit");
  assert.equal(totals.tasksLost, 0);
  assert.equal(totals.open + totals.givenUp, 0);
  assert.ok(totals.attemptsLost > 0);
  for (const { phase, lost } of hitList) {
    assert.ok(phase === "healed" || phase === "missed", phase);
    assert.deepEqual(lost, []);
  }

  const text = await cloud.canopy("chaos", "report");
  assert.match(text.stdout, /^lost\tnothing/m);
  const completed = await cloud.canopy("complete", "--", "chaos", "report", "");
  assert.match(completed.stdout, new RegExp(`^${id}\\tended`, "m"));
  const markdown = await cloud.canopy("chaos", "report", id, "--markdown");
  assert.match(markdown.stdout, /^# Game day g/);
  assert.match(markdown.stdout, /\*\*lost\*\*: nothing/);
  const hit = hitList.find(({ target, phase }) => target === "task" && phase === "healed")!;
  const why = await cloud.canopy("why", hit.subject);
  assert.match(why.stdout, new RegExp(`the game day ${id} ended this task's process`));
});

/** The phase in which a job has ended. */
async function endedPhaseOf(job: string): Promise<string> {
  let phase = "running";
  await until(`job ${job} has ended`, async () => {
    const path = `/v1/jobs/${job}/result?waitMs=5000`;
    ({ phase } = await cloud.call<{ phase: string }>("GET", path));
    return phase !== "running";
  });
  return phase;
}

const reportOf = (id: string) => cloud.call<Report>("GET", `/v1/chaos/game-days/${id}`);

async function endOf(id: string): Promise<Report> {
  await until(`the game day ${id} has ended`, async () => (await reportOf(id)).phase === "ended");
  return await reportOf(id);
}

/** How many tasks each connected machine has. */
async function runningOn(): Promise<number[]> {
  type Machines = { items: { running: number }[] };
  const { items } = await cloud.call<Machines>("GET", "/v1/machines?connected=true");
  return items.map(({ running }) => running);
}

test("a machine that a game day cuts off loses its tasks to another one, and none of them is lost", async () => {
  const folder = join(cloud.dataFolder, "second");
  joined = await JoinedAgent.start(cloud, { folder, flags: ["--cpus", "2"] });
  await until("both machines are connected", async () => (await runningOn()).length === 2);

  const policy = ["--targets", "machines", "--hits", "1", "--away", "12s", "--no-last-machine"];
  assert.equal((await cloud.canopy("chaos", "policy", "set", ...policy)).code, 0);
  const job = await submit({
    run: { driver: "process", command: ["sh", "-c", "sleep 6; echo {}"] },
    source: { type: "inputs", inputs: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12] },
  });
  await until("tasks run", async () => (await runningOn()).some((count) => count > 0));
  const begun = await cloud.canopy("chaos", "run", "--for", "5s", "--detach", "--json=id");
  const report = await endOf((JSON.parse(begun.stdout) as { id: string }).id);
  const [hit, ...more] = report.hitList;
  assert.equal(more.length, 0);
  assert.deepEqual([hit!.target, hit!.phase, hit!.noticedBy], ["machine", "healed", "link"]);
  assert.ok(hit!.tasks > 0, "nothing was under way there");
  assert.equal(hit!.releasedBy, "lease");
  assert.equal(report.totals.tasksLost, 0);
  assert.equal(report.alarm, false);
  assert.equal(await endedPhaseOf(job), "succeeded");
  assert.equal((await resultsOf(job)).length, 12);
});
