import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { FleetView } from "#/model/fleet-views.ts";
import type { WhatIfView } from "#/model/forecast-views.ts";
import type { OrderView, PlanView } from "#/model/plan-views.ts";
import type { JobDetail, MachineView, Page } from "#/model/views.ts";
import { newCloud } from "./clouds.ts";
import { until } from "./until.ts";

const cloud = newCloud();

const tasks = 60;
const policy = `fleet:
  waitMax: 8s
  machinesMax: 4
  budgetPerHour: 2 USD
  idleFor: 3s
`;

const orders = async () => (await cloud.call<Page<OrderView>>("GET", "/v1/orders")).items;
const hasEnded = ({ phase }: OrderView) => phase === "released" || phase === "failed";

test("machines are bought for a burst of jobs without a deadline, and given back, over kill -9 of the control plane", async () => {
  await cloud.up();
  const shape = ["--cpus", "4", "--memory", "512MiB", "--max", "6"];
  const terms = ["--boot-delay", "1s", "--price", "0.40"];
  const site = await cloud.canopy("sites", "add", "local", "--name", "burst", ...shape, ...terms);
  assert.equal(site.code, 0, site.stderr);
  const file = join(cloud.dataFolder, "policy.yaml");
  writeFileSync(file, policy);
  const set = await cloud.canopy("policy", "set", file);
  assert.equal(set.code, 0, set.stderr);
  const submit = (title: string) =>
    cloud.call<{ id: string }>("POST", "/v1/jobs", {
      title,
      steps: [
        {
          name: "wait",
          run: { driver: "process", command: ["sleep", "2"] },
          source: { type: "inputs", inputs: Array.from({ length: tasks / 2 }, () => null) },
        },
      ],
    });
  const jobs = [(await submit("one")).id, (await submit("other")).id];
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
  for (const id of jobs) {
    const read = () => cloud.call<JobDetail>("GET", `/v1/jobs/${id}`);
    await until("the job has ended", async () => (await read()).phase !== "running");
    const job = await read();
    assert.equal(job.phase, "succeeded", job.reason ?? "");
    assert.equal(job.tasks.succeeded, tasks / 2);
  }
  await until("all machines are given back", async () => (await orders()).every(hasEnded));
  const all = await orders();
  assert.ok(all.length >= 2 && all.every(({ job, project }) => !job && project === "default"));
  const { items: machines } = await cloud.call<Page<MachineView>>("GET", "/v1/machines");
  assert.deepEqual(
    machines.filter(({ site: of }) => of === "burst"),
    [],
  );
  const why = await cloud.canopy("why", jobs[0]!);
  assert.match(why.stdout, /Canopy ordered \d 4cpu-512MiB of burst at .*: \d+ tasks wait/);
  const { stdout } = await cloud.canopy("fleet", "--json");
  const { decisions, waiting } = JSON.parse(stdout) as FleetView;
  assert.equal(waiting, 0);
  assert.ok(decisions.some(({ action, why }) => action === "buy" && /tasks wait/.test(why[0]!)));
  assert.ok(decisions.some(({ action }) => action === "release"));
  const shown = await cloud.canopy("fleet");
  assert.match(shown.stdout, /0 to 4 machines, at most 2.00 USD an hour/);
});

test("where a policy wants it approved, machines are bought once somebody has approved the plan", async () => {
  const other = newCloud();
  await other.up();
  const shape = ["--cpus", "4", "--memory", "512MiB", "--max", "4"];
  const terms = ["--boot-delay", "1s", "--price", "0.40"];
  const site = await other.canopy("sites", "add", "local", "--name", "burst", ...shape, ...terms);
  assert.equal(site.code, 0, site.stderr);
  const file = join(other.dataFolder, "policy.yaml");
  writeFileSync(file, `${policy}autonomy:\n  buy: approve\n`);
  const set = await other.canopy("policy", "set", file);
  assert.equal(set.code, 0, set.stderr);
  const run = await other.canopy("run", "--detach", "--sweep", "n=1..60", "--", "sleep", "2");
  assert.equal(run.code, 0, run.stderr);
  const proposed = async () => {
    const { items } = await other.call<Page<PlanView>>("GET", "/v1/plans");
    return items.find(({ phase }) => phase === "proposed");
  };
  await until("a plan waits", async () => (await proposed()) !== undefined);
  await other.kill();
  await other.up();
  const { id, fleet } = (await proposed())!;
  assert.ok(fleet);
  const ordered = async () => (await other.call<Page<OrderView>>("GET", "/v1/orders")).items;
  assert.deepEqual(await ordered(), []);
  const shown = await other.canopy("plan", "show", id);
  assert.match(shown.stdout, /orders \d 4cpu-512MiB of burst, each for 0.40 USD an hour/);
  const why = await other.canopy("why", id);
  assert.match(why.stdout, /it waits for somebody to approve it/);
  assert.match(why.stdout, /\d+ tasks wait/);
  const approved = await other.canopy("approve", id);
  assert.equal(approved.code, 0, approved.stderr);
  const again = await other.canopy("approve", id);
  assert.equal(again.code, 0, again.stderr);
  const bought = (await ordered()).length;
  assert.ok(bought > 0 && bought <= 4, `${bought} orders`);
  await until("all machines are given back", async () => (await ordered()).every(hasEnded));
  assert.equal((await ordered()).length, bought);
});

test("what a fleet would do is told before there is one", async () => {
  const other = newCloud();
  await other.up();
  const shape = ["--cpus", "4", "--memory", "512MiB", "--max", "4"];
  const site = await other.canopy(
    "sites",
    "add",
    "local",
    "--name",
    "burst",
    ...shape,
    "--price",
    "0.40",
  );
  assert.equal(site.code, 0, site.stderr);
  const file = join(other.dataFolder, "policy.yaml");
  writeFileSync(file, policy);
  const run = await other.canopy("run", "--detach", "--sweep", "n=1..200", "--", "sleep", "5");
  assert.equal(run.code, 0, run.stderr);
  const asked = await other.canopy("what-if", "--policy", file, "--json");
  assert.equal(asked.code, 0, asked.stderr);
  const { without, with: after } = JSON.parse(asked.stdout) as WhatIfView;
  assert.equal(without.machinesBought!.p90, 0);
  assert.equal(after.machinesBought!.p50, 4);
  assert.ok(Date.parse(after.allEndAt!.p50) < Date.parse(without.allEndAt!.p50));
  const { items } = await other.call<Page<OrderView>>("GET", "/v1/orders");
  assert.deepEqual(items, []);
});
