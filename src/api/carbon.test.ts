import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { CarbonZoneDetail, CarbonZoneView } from "#/model/carbon-views.ts";
import type { ForecastView } from "#/model/forecast-views.ts";
import type { PlanInput, PlanView } from "#/model/plan-views.ts";
import type { ExplanationView, JobView, Page, ProblemView } from "#/model/views.ts";
import { startAgent } from "./testing/agent.ts";
import { startWorld, type World } from "./testing/world.ts";
import { hourMs } from "#/model/units.ts";

let world: World;

before(async () => {
  world = await startWorld();
  await startAgent(world, await world.listen(), { cpus: 4 });
});
after(() => world.stop());

const set = (zone: string, body: object) => world.call("PUT", `/v1/carbon-zones/${zone}`, { body });

/** From the hour that has begun on. */
const hours = (grams: readonly number[]) => {
  const from = Math.floor(Date.now() / hourMs);
  return grams.map((gramsPerKwh, at) => ({
    at: new Date((from + at) * hourMs).toISOString(),
    gramsPerKwh,
  }));
};

describe("PUT /v1/carbon-zones/:zone", () => {
  it("takes hours, lays others over them, and tells which are forecast", async () => {
    const first = await set("DE", { hours: hours([300, 200, 100]), isDefault: true });
    assert.equal(first.statusCode, 200, first.body);
    const zone = (await set("DE", { hours: hours([310]) })).json<CarbonZoneDetail>();
    assert.equal(zone.gramsPerKwhNow, 310);
    assert.equal(zone.cleanest!.gramsPerKwh, 100);
    assert.deepEqual(
      zone.hours.map(({ gramsPerKwh, from }) => [gramsPerKwh, from]),
      [
        [310, "given"],
        [200, "given"],
        [100, "given"],
      ],
    );
  });

  it("has one default, keeps a token to itself, and lists zones by name", async () => {
    await set("GB", { isDefault: true, url: "http://127.0.0.1:9/{now}", token: "secret" });
    const page = (await world.call("GET", "/v1/carbon-zones")).json<Page<CarbonZoneView>>();
    assert.deepEqual(
      page.items.map(({ name, isDefault, hasToken }) => [name, isDefault, hasToken]),
      [
        ["DE", false, false],
        ["GB", true, true],
      ],
    );
    assert.ok(!JSON.stringify(page).includes("secret"));
    assert.equal((await world.call("DELETE", "/v1/carbon-zones/GB")).statusCode, 204);
    await set("DE", { isDefault: true });
  });

  it("refuses what is no name, no intensity, or of another year", async () => {
    assert.equal((await set("a b", { isDefault: true })).statusCode, 400);
    assert.equal(
      (await set("DE", { hours: [{ at: "yesterday", gramsPerKwh: 1 }] })).statusCode,
      400,
    );
    const old = await set("DE", { hours: [{ at: "2022-01-01T00:00:00Z", gramsPerKwh: 1 }] });
    assert.equal(old.statusCode, 400);
    assert.match(old.json<ProblemView>().detail, /one must be of the last 60 days or the next 14/);
    assert.equal((await world.call("GET", "/v1/carbon-zones/FR")).statusCode, 404);
  });
});

describe("POST /v1/plans with the objective carbon", () => {
  const input: PlanInput = {
    request: {
      title: "waiting",
      steps: [
        {
          name: "wait",
          run: { driver: "process", command: ["sleep", "60"] },
          source: { type: "inputs", inputs: [null, null] },
        } as never,
      ],
    },
    goal: { objective: "carbon", deadlineMs: 8 * hourMs },
    told: { taskMs: 60_000 },
  };

  it("plans to wait, and the job waits when that is approved, and says why", async () => {
    await set("DE", { hours: hours([300, 300, 300, 50, 300, 300, 300, 300, 300, 300]) });
    const plan = (await world.call("POST", "/v1/plans", { body: input })).json<PlanView>();
    assert.equal(Math.round(plan.shift!.savingShare * 100), 83);
    assert.equal(plan.shift!.gramsPerKwhThen, 50);
    assert.ok(plan.predicted.grams!.high < plan.shift!.gramsAtOnce.high / 5);
    const approved = await world.call("POST", `/v1/plans/${plan.id}/approve`);
    const job = approved.json<JobView>();
    assert.equal(job.held!.until, plan.shift!.until);
    const why = (await world.call("GET", `/v1/jobs/${job.id}/why`)).json<{
      explanations: ExplanationView[];
    }>();
    assert.match(why.explanations[0]!.sentence, /^it waits until about .* 300 gCO2\/kWh now/);
    assert.match(
      why.explanations[1]!.sentence,
      /^Canopy lets it wait until .* for cleaner power, 83 %/,
    );
    const { jobs } = (await world.call("GET", "/v1/forecast?forks=3")).json<ForecastView>();
    const forecast = jobs.find(({ job: of }) => of === job.id)!;
    assert.equal(forecast.beginsAt!.p50, job.held!.until);
    assert.ok(forecast.grams!.p50 > 0);
    await world.call("POST", `/v1/jobs/${job.id}/cancel`);
    const ended = (await world.call("GET", `/v1/jobs/${job.id}`)).json<JobView>();
    assert.equal(ended.held, undefined);
  });

  it("does not plan to wait where the policy wants that not", async () => {
    const policy = { autonomy: { shift: "manual" } };
    assert.equal((await world.call("PUT", "/v1/policy", { body: policy })).statusCode, 200);
    const plan = (await world.call("POST", "/v1/plans", { body: input })).json<PlanView>();
    assert.equal(plan.shift, undefined);
    await world.call("DELETE", "/v1/policy");
  });
});
