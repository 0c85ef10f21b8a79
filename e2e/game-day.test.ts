import assert from "node:assert/strict";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { TestCloud } from "./cloud.ts";

const cloud = new TestCloud();
after(() => cloud.stop());

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
  hitList: { target: string; subject: string; phase: string; lost: string[] }[];
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

  const module = await fetch(`${cloud.url}/v1/objects`, {
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
  await sleep(1_000);

  const dry = await cloud.canopy("chaos", "run", "--dry-run");
  assert.match(dry.stdout, /may be hit: .*1 agent/);

  const wish = ["--for", "14s", "--every", "900ms", "--seed", "5"];
  const begun = await cloud.canopy("chaos", "run", ...wish, "--detach", "--json");
  assert.equal(begun.code, 0, begun.stderr);
  const { id } = JSON.parse(begun.stdout) as { id: string };
  await sleep(5_000);
  await cloud.kill();
  await cloud.up();

  for (const job of [short, long]) {
    let phase = "running";
    while (phase === "running")
      ({ phase } = await cloud.call<{ phase: string }>(
        "GET",
        `/v1/jobs/${job}/result?waitMs=5000`,
      ));
    assert.equal(phase, "succeeded", (await cloud.canopy("chaos", "report", id)).stdout);
  }
  const squares = (count: number) => Array.from({ length: count }, (_, index) => index * index);
  assert.deepEqual(await resultsOf(short), squares(shortTasks));
  assert.deepEqual(await resultsOf(long), squares(longTasks));

  let report = await cloud.call<Report>("GET", `/v1/chaos/game-days/${id}`);
  while (report.phase !== "ended") {
    await sleep(500);
    report = await cloud.call<Report>("GET", `/v1/chaos/game-days/${id}`);
  }
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
