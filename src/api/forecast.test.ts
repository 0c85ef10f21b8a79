import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { ForecastView, ReplayView, WhatIfView } from "#/model/forecast-views.ts";
import type { JobResult, JobView } from "#/model/views.ts";
import { idleUsage, startAgent } from "./testing/agent.ts";
import { startWorld, type World } from "./testing/world.ts";

const minuteMs = 60_000;
let world: World;
let machine: string;
let past: string;
let next: string;

/** Forty tasks of a minute have ended on a machine of two CPUs; twenty more wait. */
before(async () => {
  world = await startWorld();
  const agent = await startAgent(world, await world.listen(), { cpus: 2 });
  machine = agent.machine;
  const worker = agent.work(() => ({ usage: { ...idleUsage, wallMs: minuteMs, cpuMs: minuteMs } }));
  past = await submit("past", 40);
  const ended = await world.call("GET", `/v1/jobs/${past}/result?waitMs=20000`);
  assert.equal(ended.json<JobResult>().phase, "succeeded");
  worker.stop();
  await agent.next("forget");
  agent.send({ type: "pull", max: 0 });
  next = await submit("next", 20);
});
after(() => world.stop());

async function submit(title: string, tasks: number): Promise<string> {
  const source = { type: "inputs", inputs: Array<null>(tasks).fill(null) };
  const run = { driver: "process", command: ["work"] };
  const body = { title, steps: [{ name: "work", run, source }] };
  const answer = await world.call("POST", "/v1/jobs", { body });
  assert.equal(answer.statusCode, 201, answer.body);
  return answer.json<JobView>().id;
}

const likelyMs = ({ jobs, at }: ForecastView) => Date.parse(jobs[0]!.endsAt!.p50) - Date.parse(at);

describe("GET /v1/forecast", () => {
  test("tells when what waits will end and what it will cost, from how long others took", async () => {
    const forecast = (await world.call("GET", "/v1/forecast")).json<ForecastView>();
    assert.equal(forecast.forks, 39);
    const [job] = forecast.jobs;
    assert.equal(job!.job, next);
    assert.equal(job!.phase, "waiting");
    assert.equal(job!.succeeds, 1);
    const ratio = likelyMs(forecast) / (10 * minuteMs);
    assert.ok(ratio > 0.8 && ratio < 1.4, `${ratio} of what it should be`);
    // twenty minutes of half a machine at 0.10 an hour
    assert.ok(Math.abs(Number(job!.cost!.p50) - 0.0167) < 0.006, job!.cost!.p50);
    assert.ok(job!.energyJoules!.p50 > 0);
  });

  test("is of one job when asked, the same each time for one seed", async () => {
    const url = `/v1/forecast?job=${next}&forks=9&seed=5`;
    const [one, same] = await Promise.all([world.call("GET", url), world.call("GET", url)]);
    const spans = (view: ForecastView) => view.jobs.map(({ cost }) => cost);
    assert.deepEqual(spans(one.json<ForecastView>()), spans(same.json<ForecastView>()));
    assert.equal((await world.call("GET", "/v1/forecast?job=j0")).statusCode, 404);
  });

  test("shows a project its own jobs only", async () => {
    await world.call("POST", "/v1/projects", { body: { name: "other", title: "other" } });
    const made = await world.call("POST", "/v1/keys?project=other", {
      body: { title: "k", role: "viewer" },
    });
    const { key } = made.json<{ key: string }>();
    const seen = await world.call("GET", "/v1/forecast?forks=3", { key });
    assert.deepEqual(seen.json<ForecastView>().jobs, []);
    assert.equal((await world.call("GET", `/v1/forecast?job=${next}`, { key })).statusCode, 404);
  });
});

describe("POST /v1/what-if", () => {
  test("sets the forecast beside the one with more machines, and changes nothing", async () => {
    const body = { add: [{ count: 2, like: machine }], forks: 19 };
    const answer = await world.call("POST", "/v1/what-if", { body });
    const { without, with: after } = answer.json<WhatIfView>();
    const ratio = likelyMs(without) / likelyMs(after);
    assert.ok(ratio > 2 && ratio < 4, `three times the machines: ${ratio} times sooner`);
    assert.equal([...world.space.all("machine")].length, 1);
  });

  test("takes machines of a size, later, and none away but those that are there", async () => {
    const size = { cpus: 2, memoryBytes: 8e9 };
    const whatIf = (body: object) => world.call("POST", "/v1/what-if", { body });
    const late = { add: [{ ...size, bootMs: 3_600_000 }], forks: 9 };
    const { without, with: after } = (await whatIf(late)).json<WhatIfView>();
    assert.equal(likelyMs(without), likelyMs(after));
    const gone = (await whatIf({ remove: [machine], forks: 3 })).json<WhatIfView>();
    assert.equal(gone.with.jobs[0]!.endsAt, undefined);
    assert.equal((await whatIf({ remove: ["nobody"] })).statusCode, 404);
    assert.equal((await whatIf({ add: [{ count: 2 }] })).statusCode, 400);
    assert.equal((await whatIf({ add: [{ ...size, like: machine }] })).statusCode, 400);
  });
});

describe("POST /v1/replays", () => {
  test("runs what was recorded again, once under each policy", async () => {
    const body = { policies: ["as-it-is", "shortest-first"], lastMs: 3_600_000 };
    const answer = await world.call("POST", "/v1/replays", { body });
    assert.equal(answer.statusCode, 200, answer.body);
    const { replays, leftOut } = answer.json<ReplayView>();
    assert.equal(leftOut, 0);
    for (const replayed of replays) {
      assert.equal(replayed.jobs, 1);
      assert.equal(replayed.makespanMs, 20 * minuteMs);
      assert.ok(Math.abs(Number(replayed.cost) - 0.0333) < 0.001);
    }
    assert.deepEqual(
      replays.map(({ policy }) => policy),
      body.policies,
    );
  });

  test("has nothing to tell of a time in which nothing was submitted", async () => {
    const body = { policies: ["as-it-is"], lastMs: 1 };
    const answer = await world.call("POST", "/v1/replays", { body });
    assert.deepEqual(answer.json<ReplayView>().replays, []);
  });
});
