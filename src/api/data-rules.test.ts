import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { PlanView } from "#/model/plan-views.ts";
import type { JobView, ProblemView, WhyView } from "#/model/views.ts";
import { joinMachine, startAgent, type TestAgent } from "./testing/agent.ts";
import { startWorld, type World } from "./testing/world.ts";

let world: World;
let lab: TestAgent;
let elsewhere: TestAgent;

before(async () => {
  world = await startWorld();
  const url = await world.listen();
  const known = await joinMachine(world, "lab-host");
  await world.space.commit((tx) => {
    const machine = tx.get("machine", known.machine)!;
    tx.put({ ...machine, spec: { ...machine.spec, site: "lab" } });
  }).durable;
  lab = await startAgent(world, url, { known });
  elsewhere = await startAgent(world, url);
  const body = { data: [{ blobs: "patients/", sites: ["lab"] }] };
  assert.equal((await world.call("PUT", "/v1/policy", { body })).statusCode, 200);
});
after(() => world.stop());

async function stored(content: string): Promise<string> {
  const headers = { "content-type": "application/octet-stream" };
  const answer = await world.call("POST", "/v1/blobs", { body: content, headers });
  return answer.json<{ key: string }>().key;
}

const run = { driver: "process", command: ["true"] } as const;
const reading = (path: string, blob: string) => ({ inputs: [{ path, from: { blob } }] });

async function submit(...steps: object[]): Promise<JobView> {
  const body = { title: "t", steps };
  const answer = await world.call("POST", "/v1/jobs", { body });
  assert.equal(answer.statusCode, 201, answer.body);
  return answer.json<JobView>();
}

const fetched = (agent: TestAgent, blob: string) =>
  world.call("GET", `/v1/blobs/${blob}?project=default`, { key: agent.key });

describe("data that may not leave a site", () => {
  it("is read at that site alone; why says so, and the blob's door refuses others", async () => {
    const secret = await stored("a patient");
    const job = await submit({ name: "read", run, ...reading("patients/1", secret) });
    elsewhere.send({ type: "pull", max: 10 });
    const path = `/v1/jobs/${job.id}/why?not=${elsewhere.machine}`;
    const why = (await world.call("GET", path)).json<WhyView>();
    assert.match(why.explanations[0]!.sentence, /the task may run at lab only.*patients\//);
    assert.match(why.explanations[0]!.flip!, /in the policy's rule for patients\//);
    lab.send({ type: "pull", max: 10 });
    const { tasks } = await lab.next("tasks");
    assert.ok(tasks[0]!.task.startsWith(job.id));
    assert.equal((await fetched(lab, secret)).statusCode, 200);
    const refused = await fetched(elsewhere, secret);
    assert.equal(refused.statusCode, 403);
    assert.match(refused.json<ProblemView>().detail, /read at lab only: asked from joined/);
    assert.equal((await world.call("GET", `/v1/blobs/${secret}`)).statusCode, 200);
    const harmless = await stored("the weather");
    assert.equal((await fetched(elsewhere, harmless)).statusCode, 200);
    // What is made of it may not leave either.
    const made = await stored("about a patient");
    const { task, fence } = tasks[0]!;
    const usage = {
      startedAt: 0,
      wallMs: 1,
      cpuMs: 1,
      memoryBytes: 1,
      readBytes: 0,
      writtenBytes: 0,
    };
    lab.send({
      type: "finish",
      number: 1,
      reports: [{ task, fence, usage, outputs: { out: made } }],
    });
    await lab.next("finished");
    assert.equal((await fetched(elsewhere, made)).statusCode, 403);
    const next = await submit({ name: "use", run, ...reading("anything", made) });
    const step = world.space.get("step", `${next.id}/0`)!;
    assert.deepEqual(step.spec.template.needs.sites, ["lab"]);
    await world.call("POST", `/v1/jobs/${next.id}/cancel`);
  });

  it("is planned for with machines of that site alone", async () => {
    const shape = { milliCpus: 8000, memoryBytes: 2 ** 35, microsPerHour: 1000 };
    const offers = [{ name: "large", ...shape, bootMs: { median: 1000, p90: 2000 } }];
    await world.call("PUT", "/v1/sites/cheap", { body: { config: { type: "simulated", offers } } });
    await world.sites.look("cheap");
    const secret = await stored("another patient");
    const step = { name: "read", run, ...reading("patients/2", secret) };
    const inputs = Array.from({ length: 100 }, () => null);
    const body = {
      request: { title: "t", steps: [{ ...step, source: { type: "inputs", inputs } }] },
      told: { taskMs: 1000 },
    };
    const plan = (await world.call("POST", "/v1/plans", { body })).json<PlanView>();
    const whyNot = Object.fromEntries(plan.considered.map((one) => [one.site, one.whyNot]));
    assert.equal(whyNot["cheap"], "data may not leave for it: patients/");
    assert.equal(whyNot["joined"], "data may not leave for it: patients/");
    assert.ok(plan.considered.some(({ site, count }) => site === "lab" && count === 1));
  });

  it("is not handed to code that may run elsewhere", async () => {
    const module = await stored("export {}");
    const main = { driver: "runner", module, function: "main", role: "job" };
    const body = {
      title: "code",
      main: "main",
      steps: [{ name: "main", run: main, needs: { cpus: 0 } }],
    };
    const job = (await world.call("POST", "/v1/jobs", { body })).json<JobView>();
    const secret = await stored("a third patient");
    const step = { name: "read", run, ...reading("patients/3", secret) };
    const refused = await world.call("POST", `/v1/jobs/${job.id}/steps`, { body: step });
    assert.equal(refused.statusCode, 422);
    assert.match(
      refused.json<ProblemView>().detail,
      /own code must run at lab.*it may run at any site/,
    );
    await world.call("POST", `/v1/jobs/${job.id}/cancel`);
    const needs = { cpus: 0, sites: ["lab"] };
    const bound = { ...body, steps: [{ name: "main", run: main, needs }] };
    const other = (await world.call("POST", "/v1/jobs", { body: bound })).json<JobView>();
    const added = await world.call("POST", `/v1/jobs/${other.id}/steps`, { body: step });
    assert.equal(added.statusCode, 201, added.body);
    await world.call("POST", `/v1/jobs/${other.id}/cancel`);
  });

  it("binds tasks that wait, and stops those that run where they may not any more", async () => {
    await world.call("DELETE", "/v1/policy");
    const inputs = [{ path: "notes/1", from: { blob: await stored("notes") } }];
    const source = { type: "inputs", inputs: [null, null, null, null, null, null] };
    const job = await submit({ name: "read", run, inputs, source });
    const handedTo = async (agent: TestAgent) => {
      agent.send({ type: "pull", max: 10 });
      for (;;) {
        const { tasks } = await agent.next("tasks");
        if (tasks.some(({ task }) => task.startsWith(job.id))) return tasks;
      }
    };
    const tasks = (await handedTo(elsewhere)).filter(({ task }) => task.startsWith(job.id));
    const body = { data: [{ blobs: "notes/", sites: ["lab"] }] };
    assert.equal((await world.call("PUT", "/v1/policy", { body })).statusCode, 200);
    const needs = () => world.space.get("step", `${job.id}/0`)!.spec.template.needs;
    assert.deepEqual([needs().sites, needs().confinedBy], [["lab"], ["notes/"]]);
    while (world.scheduler.leases(job.id).length > 0)
      await new Promise((resolve) => setImmediate(resolve));
    const stopped = `/v1/jobs/${job.id}/steps/0/tasks/${tasks[0]!.task.split("/")[2]}/why`;
    const why = (await world.call("GET", stopped)).json<WhyView>();
    assert.match(
      why.explanations[0]!.sentence,
      /it was stopped .* as it may not run there any more/,
    );
    await handedTo(lab);
    elsewhere.send({ type: "pull", max: 10 });
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.ok(world.scheduler.leases(job.id).every(({ machine }) => machine === lab.machine));
    await world.call("DELETE", "/v1/policy");
    assert.equal(needs().sites, undefined);
    await world.call("POST", `/v1/jobs/${job.id}/cancel`);
  });

  it("is refused where two rules leave no site, with both statements", async () => {
    const data = [
      { blobs: "patients/", sites: ["lab"] },
      { blobs: "patients/old/", sites: ["aws"] },
    ];
    const answer = await world.call("PUT", "/v1/policy", { body: { data } });
    assert.equal(answer.statusCode, 400);
    assert.match(answer.json<ProblemView>().detail, /data\.0\.sites and data\.1\.sites contradict/);
    const never = { data: data.slice(0, 1), sitesNever: ["lab"] };
    const forbidden = await world.call("PUT", "/v1/policy", { body: never });
    assert.match(forbidden.json<ProblemView>().detail, /data\.0\.sites and sitesNever contradict/);
  });
});

describe("a rule on data that is set meanwhile", () => {
  const rules = (...blobs: string[]) => ({
    data: blobs.map((one) => ({ blobs: one, sites: ["lab"] })),
  });
  const set = (body: object) => world.call("PUT", "/v1/policy", { body });
  const sitesOf = (job: string) => world.space.get("step", `${job}/0`)!.spec.template.needs.sites;

  /** Makes a call, and lets `meanwhile` happen when it looks up which blobs are marked. */
  async function interrupted<T>(call: () => Promise<T>, meanwhile: () => Promise<unknown>) {
    const { space } = world;
    const find = space.find.bind(space);
    const looks = Promise.withResolvers<void>();
    const over = Promise.withResolvers<void>();
    let isFirst = true;
    space.find = (async (kind: "confined", names: string[]) => {
      if (kind === "confined" && isFirst) {
        isFirst = false;
        looks.resolve();
        await over.promise;
      }
      return find(kind, names);
    }) as typeof space.find;
    const answer = call();
    await looks.promise;
    await meanwhile();
    over.resolve();
    const got = await answer;
    space.find = find;
    return got;
  }

  it("binds a job that is being submitted", async () => {
    await set(rules("weather/"));
    const blob = await stored("a patient of the race");
    const job = await interrupted(
      () => submit({ name: "read", run, ...reading("patients/5", blob) }),
      () => set(rules("weather/", "patients/")),
    );
    assert.deepEqual(sitesOf(job.id), ["lab"]);
    await world.call("POST", `/v1/jobs/${job.id}/cancel`);
  });

  it("binds a job also where the policy was removed and set anew: its revision is what it was", async () => {
    const anew = async (...blobs: string[]) => {
      await world.call("DELETE", "/v1/policy");
      await set(rules(...blobs));
    };
    await anew("weather/");
    const blob = await stored("a patient of a new policy");
    const job = await interrupted(
      () => submit({ name: "read", run, ...reading("patients/9", blob) }),
      () => anew("weather/", "patients/"),
    );
    assert.deepEqual(sitesOf(job.id), ["lab"]);
    await world.call("POST", `/v1/jobs/${job.id}/cancel`);
  });

  it("binds a job that came while the others were bound", async () => {
    await set(rules("weather/"));
    const blob = await stored("another patient of the race");
    const first = await submit({ name: "read", run, ...reading("patients/6", blob) });
    let second = first;
    await interrupted(
      () => set(rules("patients/")),
      async () => {
        second = await submit({ name: "read", run, ...reading("patients/7", blob) });
      },
    );
    assert.deepEqual([sitesOf(first.id), sitesOf(second.id)], [["lab"], ["lab"]]);
    for (const { id } of [first, second]) await world.call("POST", `/v1/jobs/${id}/cancel`);
  });

  it("binds a job that had ended, when it is tried again", async () => {
    await set({});
    const blob = await stored("a patient of before");
    const job = await submit({ name: "read", run, ...reading("patients/8", blob) });
    await world.call("POST", `/v1/jobs/${job.id}/cancel`);
    await set(rules("patients/"));
    const retried = await world.call("POST", `/v1/jobs/${job.id}/retry`, { body: {} });
    assert.equal(retried.statusCode, 200, retried.body);
    assert.deepEqual(sitesOf(job.id), ["lab"]);
    await world.call("POST", `/v1/jobs/${job.id}/cancel`);
  });
});
