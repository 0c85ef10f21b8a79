import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { ForecastView, ReplayView, WhatIfView } from "#/model/forecast-views.ts";
import { TestCloud } from "./cloud.ts";

const cloud = new TestCloud();
after(() => cloud.stop());

const taskMs = 500;

const job = (title: string, tasks: number) => ({
  title,
  steps: [
    {
      name: "nap",
      run: { driver: "process", command: ["sleep", String(taskMs / 1000)] },
      needs: { cpus: 1 },
      source: { type: "inputs", inputs: Array<null>(tasks).fill(null) },
    },
  ],
});

async function asJson<T>(...words: string[]): Promise<T> {
  const { code, stdout, stderr } = await cloud.canopy(...words, "--json");
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout) as T;
}

test("forecast, what-if and replay of a real cloud agree with what then happens", async () => {
  await cloud.up();
  const submit = (title: string, tasks: number) =>
    cloud.call<{ id: string }>("POST", "/v1/jobs", job(title, tasks));
  const past = await submit("past", 12);
  await cloud.call("GET", `/v1/jobs/${past.id}/result?waitMs=30000`);
  const next = await submit("next", 30);
  const forecast = await asJson<ForecastView>("forecast", next.id);
  const [told] = forecast.jobs;
  assert.equal(forecast.jobs.length, 1);
  assert.equal(told!.job, next.id);
  const machines = await asJson<{ name: string }[]>("machines");
  const { without, with: doubled } = await asJson<WhatIfView>(
    "what-if",
    next.id,
    "--add",
    machines[0]!.name,
  );
  assert.ok(leftMs(doubled) < leftMs(without));
  for (let phase = "running"; phase === "running";) {
    ({ phase } = await cloud.call<{ phase: string }>(
      "GET",
      `/v1/jobs/${next.id}/result?waitMs=30000`,
    ));
  }
  const { endedAt } = await cloud.call<{ endedAt: string }>("GET", `/v1/jobs/${next.id}`);
  const reallyMs = Date.parse(endedAt) - Date.parse(forecast.at);
  const ratio = reallyMs / leftMs(forecast);
  assert.ok(ratio > 0.5 && ratio < 3, `it took ${ratio} of what was told`);
  const { replays, leftOut } = await asJson<ReplayView>(
    "replay",
    "--last",
    "1h",
    "--policy",
    "pack",
  );
  assert.equal(leftOut, 0);
  assert.equal(replays[0]!.jobs, 2);
});

/** Until the job ends, likely. */
function leftMs({ jobs, at }: ForecastView): number {
  return Date.parse(jobs[0]!.endsAt!.p50) - Date.parse(at);
}

test("forecast tells in how many cases a deadline is kept, with what is bought for it", async () => {
  const cloud = new TestCloud();
  after(() => cloud.stop());
  await cloud.up("--no-agent");
  const shape = ["--name", "burst", "--cpus", "4", "--memory", "512MiB", "--max", "4"];
  const terms = ["--boot-delay", "1s", "--price", "0.40"];
  const site = await cloud.canopy("sites", "add", "local", ...shape, ...terms);
  assert.equal(site.code, 0, site.stderr);
  const goal = ["--deadline", "3m", "--budget", "3USD", "--expect", "1s", "--yes"];
  const run = await cloud.canopy(
    "run",
    "--detach",
    ...goal,
    "--sweep",
    "n=1..40",
    "--",
    "sleep",
    "1",
  );
  assert.equal(run.code, 0, run.stderr);
  const job = run.stdout.trim();
  const { code, stdout, stderr } = await cloud.canopy("forecast", job, "--json");
  assert.equal(code, 0, stderr);
  const { jobs, machinesBought } = JSON.parse(stdout) as ForecastView;
  assert.ok(jobs[0]!.inTime! > 0.5 && jobs[0]!.cost, stdout);
  assert.ok(machinesBought);
  const followed = await cloud.canopy("follow", job);
  assert.equal(followed.code, 0, followed.stderr);
  const replayed = await cloud.canopy(
    "replay",
    "--policy",
    "as-it-is",
    "--policy",
    "fast",
    "--json",
  );
  assert.equal(replayed.code, 0, replayed.stderr);
  const { replays } = JSON.parse(replayed.stdout) as ReplayView;
  assert.deepEqual(
    replays.map(({ policy, deadlines, missed }) => [policy, deadlines, missed]),
    [
      ["as-it-is", 1, 0],
      ["fast", 1, 0],
    ],
  );
  assert.ok(replays.every(({ bought }) => bought > 0));
});
