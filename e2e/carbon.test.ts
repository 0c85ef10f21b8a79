import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { DecisionView, PlanView } from "#/model/plan-views.ts";
import type { CostView, JobDetail, JobView, Page, WhyView } from "#/model/views.ts";
import { newCloud } from "./clouds.ts";
import { until } from "./until.ts";

const hourMs = 3_600_000;
const cloud = newCloud();

/** A series from this hour on, as a file. */
function series(name: string, grams: readonly number[]): string {
  const path = join(cloud.dataFolder, name);
  const from = Math.floor(Date.now() / hourMs);
  const lines = grams.map(
    (value, at) => `${new Date((from + at) * hourMs).toISOString()},${value}`,
  );
  writeFileSync(path, `time,gCO2/kWh\n${lines.join("\n")}\n`);
  return path;
}

const setPower = async (name: string, grams: readonly number[]) => {
  const set = await cloud.canopy("carbon", "set", "DE", "--default", "--file", series(name, grams));
  assert.equal(set.code, 0, set.stderr);
};

test("a job waits for cleaner power over kill -9 of the control plane, and goes on when it is clean", async () => {
  await cloud.up();
  await setPower("dirty.csv", [400, 390, 390, 40, 40, 390, 390, 390, 390, 390, 390]);
  const asked = ["--deadline", "9h", "--objective", "carbon", "--expect", "1s"];
  const planned = await cloud.canopy("plan", ...asked, "--json", "--", "sleep", "1");
  const plan = JSON.parse(planned.stdout) as PlanView;
  assert.equal(Math.round(plan.shift!.savingShare * 10), 9);
  const job = await cloud.call<JobView>("POST", `/v1/plans/${plan.id}/approve`);
  const read = () => cloud.call<JobDetail>("GET", `/v1/jobs/${job.id}`);
  const { held } = await read();
  assert.equal(Date.parse(held!.until) % hourMs, 0);
  await cloud.kill();
  await cloud.up();
  await new Promise((resolve) => setTimeout(resolve, 3000));
  const after = await read();
  assert.deepEqual(
    [after.phase, after.held?.until, after.tasks.running],
    ["running", held!.until, 0],
  );
  const why = await cloud.call<WhyView>("GET", `/v1/jobs/${job.id}/why`);
  assert.match(why.explanations[0]!.sentence, /it waits until about .* (?:400|390) gCO2\/kWh now/);
  assert.match(why.explanations[0]!.flip!, /until its deadline, or with power of no more than/);
  const table = await cloud.canopy("ps");
  assert.match(table.stdout, /until .*: waits for cleaner power, 9\d% less CO2/);
  await setPower("clean.csv", [30]);
  await until("the job has ended", async () => (await read()).phase !== "running");
  assert.equal((await read()).phase, "succeeded");
  const cost = await cloud.call<CostView>("GET", `/v1/jobs/${job.id}/cost`);
  assert.ok(Math.abs(cost.grams! - (cost.energyJoules! / 3.6e6) * 30) < 1e-9);
  const decisions = await cloud.call<Page<DecisionView>>("GET", `/v1/jobs/${job.id}/decisions`);
  assert.deepEqual(
    decisions.items.filter(({ action }) => action === "shift").map(({ what }) => what.slice(0, 12)),
    ["let it go on", "lets it wait"],
  );
});
