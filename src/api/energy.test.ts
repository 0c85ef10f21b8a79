import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { EnergyView, ProjectCostView } from "#/model/energy-views.ts";
import type { CostView, JobView, MachineView, TaskDetail } from "#/model/views.ts";
import { startAgent, type TestAgent } from "./testing/agent.ts";
import { startWorld, type World } from "./testing/world.ts";
import { hourMs } from "#/model/units.ts";

let world: World;
let agent: TestAgent;

before(async () => {
  world = await startWorld();
  agent = await startAgent(world, await world.listen(), { cpus: 4 });
  const hour = Math.floor(Date.now() / hourMs);
  const hours = [-1, 0, 1].map((at) => ({
    at: new Date((hour + at) * hourMs).toISOString(),
    gramsPerKwh: 360,
  }));
  await world.call("PUT", "/v1/carbon-zones/DE", { body: { hours, isDefault: true } });
});
after(() => world.stop());

/** A job of one task that used so much, done. */
async function ran(usage: object): Promise<JobView> {
  const working = agent.work(() => ({ result: "null", exitCode: 0, usage }) as never);
  const body = {
    title: "sum",
    steps: [
      {
        name: "sum",
        run: { driver: "process", command: ["true"] },
        source: { type: "inputs", inputs: [null] },
      },
    ],
  };
  const job = (await world.call("POST", "/v1/jobs", { body })).json<JobView>();
  for (;;) {
    const { phase } = (await world.call("GET", `/v1/jobs/${job.id}`)).json<JobView>();
    if (phase !== "running") {
      working.stop();
      return job;
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const used = { wallMs: 10_000, cpuMs: 20_000, memoryBytes: 0, readBytes: 0, writtenBytes: 0 };

describe("energy of a job", () => {
  it("is as its agent measured it, of its task too, and gives CO2 by the hour", async () => {
    const job = await ran({ ...used, startedAt: Date.now(), joules: 1000 });
    const cost = (await world.call("GET", `/v1/jobs/${job.id}/cost`)).json<CostView>();
    const { pue } = [...world.space.all("machine")][0]!.status.rates;
    const near = (actual: number | undefined, expected: number) =>
      assert.ok(Math.abs(actual! - expected) < 1e-9 * expected, `${actual} for ${expected}`);
    near(cost.energyJoules, 1000 * pue);
    near(cost.usage.measuredJoules, 1000 * pue);
    // 360 g for 3.6 MJ
    near(cost.grams, 0.1 * pue);
    const task = (await world.call("GET", `/v1/jobs/${job.id}/steps/0/tasks/0`)).json<TaskDetail>();
    near(task.usage!.energyJoules, 1000 * pue);
    near(task.usage!.grams, 0.1 * pue);
  });

  it("is by the model where nothing is measured, and no amount at all is taken for none", async () => {
    const job = await ran({ ...used, startedAt: Date.now(), joules: -5 });
    const cost = (await world.call("GET", `/v1/jobs/${job.id}/cost`)).json<CostView>();
    assert.equal(cost.usage.measuredJoules, 0);
    assert.ok(cost.energyJoules! > 0);
  });
});

describe("GET /v1/projects/:name/cost", () => {
  it("sums what the jobs of a project used, of late", async () => {
    const all = (await world.call("GET", "/v1/projects/default/cost")).json<ProjectCostView>();
    assert.equal(all.jobs, 2);
    assert.ok(all.energyJoules! > all.usage.measuredJoules && all.grams! > 0);
    assert.equal(all.isCutShort, false);
    const last = await world.call("GET", "/v1/projects/default/cost?lastMs=1");
    assert.equal(last.json<ProjectCostView>().jobs, 0);
    assert.equal((await world.call("GET", "/v1/projects/none/cost")).statusCode, 404);
  });
});

describe("GET /v1/energy", () => {
  it("compares what is drawn with the same work spread and packed", async () => {
    const { placed, atRest, spread, packed, unknown } = (
      await world.call("GET", "/v1/energy")
    ).json<EnergyView>();
    assert.deepEqual([placed.machines, atRest.machines, unknown], [1, 1, 0]);
    assert.deepEqual([spread.watts, packed.watts], [placed.watts, 0]);
    assert.ok(Math.abs(placed.gramsPerHour! - placed.watts * 0.36) < 1e-9);
  });

  it("takes what a machine measures, and says which it is", async () => {
    agent.send({ type: "beat", cpuShare: 0, memoryFreeBytes: 1, running: [], watts: 100 });
    const [machine] = world.space.all("machine");
    const path = `/v1/machines/${machine!.name}`;
    for (;;) {
      const { power } = (await world.call("GET", path)).json<MachineView>();
      if (power!.wattsNow === 100) break;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    const { placed, measured } = (await world.call("GET", "/v1/energy")).json<EnergyView>();
    assert.deepEqual([measured, placed.watts], [1, 100 * machine!.status.rates.pue]);
  });
});
