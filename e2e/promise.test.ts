import assert from "node:assert/strict";
import { test } from "node:test";
import type { DecisionView, OrderView, PlanView } from "#/model/plan-views.ts";
import type { CostView, JobDetail, MachineView, Page } from "#/model/views.ts";
import { newCloud } from "./clouds.ts";
import { until } from "./until.ts";

const cloud = newCloud();

const tasks = 120;
const taskMs = 2000;

const orders = async () => (await cloud.call<Page<OrderView>>("GET", "/v1/orders")).items;
const hasEnded = ({ phase }: OrderView) => phase === "released" || phase === "failed";

test("a promise is kept over kill -9 of the control plane, and every machine that was bought is given back", async () => {
  await cloud.up();
  const shape = ["--cpus", "4", "--memory", "512MiB", "--max", "6"];
  const terms = ["--boot-delay", "1s", "--price", "0.40"];
  const site = await cloud.canopy("sites", "add", "local", "--name", "burst", ...shape, ...terms);
  assert.equal(site.code, 0, site.stderr);
  const step = {
    name: "wait",
    run: { driver: "process", command: ["sleep", String(taskMs / 1000)] },
    source: { type: "inputs", inputs: Array.from({ length: tasks }, () => null) },
  };
  const plan = await cloud.call<PlanView>("POST", "/v1/plans", {
    request: { title: "wait", steps: [step] },
    goal: { deadlineMs: 90_000, budget: "0.50 USD" },
    told: { taskMs },
  });
  assert.ok(plan.considered.some(({ isPresent, count }) => !isPresent && count > 0));
  const { id } = await cloud.call<{ id: string }>("POST", `/v1/plans/${plan.id}/approve`);
  await until("a machine was asked for", async () =>
    (await orders()).some(({ phase }) => phase !== "ordered"),
  );
  await cloud.kill();
  await cloud.up();
  await until("a machine that was bought runs tasks", async () => {
    const { items } = await cloud.call<Page<MachineView>>("GET", "/v1/machines");
    return items.some(({ site: of, running }) => of === "burst" && running > 0);
  });
  await cloud.kill();
  await cloud.up();
  const read = () => cloud.call<JobDetail>("GET", `/v1/jobs/${id}`);
  await until("the job has ended", async () => (await read()).phase !== "running");
  const job = await read();
  assert.equal(job.phase, "succeeded", job.reason ?? "");
  assert.equal(job.tasks.succeeded, tasks);
  await until("all machines are given back", async () => (await orders()).every(hasEnded));
  const { items: machines } = await cloud.call<Page<MachineView>>("GET", "/v1/machines");
  assert.deepEqual(
    machines.filter(({ site: of }) => of === "burst"),
    [],
  );
  const { spent, budget, bought } = await cloud.call<CostView>("GET", `/v1/jobs/${id}/cost`);
  assert.ok(
    Number(bought) > 0 && Number(spent) <= Number(budget),
    `${bought}, ${spent} of ${budget}`,
  );
  const { items: decisions } = await cloud.call<Page<DecisionView>>(
    "GET",
    `/v1/jobs/${id}/decisions`,
  );
  assert.ok(decisions.some(({ action }) => action === "buy"));
  const tookMs = Date.parse(job.endedAt!) - Date.parse(job.submittedAt!);
  assert.ok(tookMs <= 90_000, `it took ${tookMs} ms`);
});

test("a gang gets a deadline with the machines that it needs at once, and is refused where there is no room for it", async () => {
  const terms = ["--deadline", "90s", "--expect", "2s", "--yes"];
  const { code, stderr } = await cloud.canopy("run", "--gang", "12", ...terms, "--", "sleep", "2");
  assert.equal(code, 0, stderr);
  const { items } = await cloud.call<Page<JobDetail>>("GET", "/v1/jobs?limit=1");
  const [job] = items;
  assert.equal(job!.tasks.succeeded, 12);
  const bought = (await orders()).filter(({ job: of }) => of === job!.id);
  assert.ok(bought.length >= 2, `${bought.length} machines`);
  const refused = await cloud.canopy("run", "--gang", "200", ...terms, "--", "sleep", "2");
  assert.equal(refused.code, 6);
  assert.match(refused.stderr, /200 tasks of 'sleep' must run at once/);
});
