import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { limits } from "#/base/limits.ts";
import type {
  AppendedView,
  CostView,
  JobDetail,
  JobResult,
  JobView,
  Page,
  ProblemView,
  StepView,
  TaskDetail,
  TaskView,
  WhyView,
} from "#/model/views.ts";
import { startAgent, type TestAgent } from "./testing/agent.ts";
import { listStep, startWorld, submitJob, type World } from "./testing/world.ts";

let world: World;
let agent: TestAgent;
before(async () => {
  world = await startWorld();
  agent = await startAgent(world, await world.listen());
});
after(() => world.stop());

const problem = (answer: { json<T>(): T }) => answer.json<ProblemView>();
/** So that the one agent gets work of the test at hand only. */
async function cancelAll(): Promise<void> {
  for (const { name } of world.space.list("job"))
    await world.call("POST", `/v1/jobs/${name}/cancel`);
}
const oneTask = { ...listStep, source: { type: "inputs" as const, inputs: ["go"] } };
const readJob = async (id: string) => (await world.call("GET", `/v1/jobs/${id}`)).json<JobDetail>();
const append = (id: string, body: object, step = 0) =>
  world.call("POST", `/v1/jobs/${id}/steps/${step}/tasks`, { body });

describe("POST /v1/jobs", () => {
  it("answers with the job when it is durable", async () => {
    const before = world.space.sequence;
    const job = await submitJob(world, { title: "first", priority: 7 });
    assert.ok(world.space.sequence > before);
    assert.equal(job.phase, "running");
    assert.equal(job.priority, 7);
    assert.equal(job.submittedBy, "root");
    assert.match(job.submittedAt, /^\d{4}-.*Z$/);
    assert.deepEqual(
      (await readJob(job.id)).kinds.map(({ title }) => title),
      ["main"],
    );
  });

  it("made twice with one Idempotency-Key makes one job; with another body it is a conflict", async () => {
    const headers = { "idempotency-key": "k1" };
    const [first, second] = await Promise.all([
      submitJob(world, {}, { headers }),
      submitJob(world, {}, { headers }),
    ]);
    assert.equal(first.id, second.id);
    const other = await world.call("POST", "/v1/jobs", {
      headers,
      body: { title: "another", steps: [listStep] },
    });
    assert.equal(other.statusCode, 409);
    assert.notEqual(
      (await submitJob(world, {}, { headers: { "idempotency-key": "k2" } })).id,
      first.id,
    );
    assert.equal(
      (
        await world.call("POST", "/v1/jobs", {
          headers: { "idempotency-key": "" },
          body: { title: "x", steps: [] },
        })
      ).statusCode,
      400,
    );
  });

  it("an idempotency key is forgotten after a day, and its record goes", async () => {
    let laterMs = 0;
    const { nodeClock } = await import("#/base/node/clock.ts");
    const late = await startWorld({
      clock: { ...nodeClock, now: () => nodeClock.now() + laterMs },
    });
    after(() => late.stop());
    const headers = { "idempotency-key": "again" };
    const first = await submitJob(late, {}, { headers });
    laterMs = limits.requestKeptMs + 1;
    assert.notEqual((await submitJob(late, {}, { headers })).id, first.id);
    await submitJob(late, {}, { headers: { "idempotency-key": "other" } });
    assert.equal(late.space.count("request", "default"), 2);
    laterMs *= 2;
    await submitJob(late, {}, { headers: { "idempotency-key": "third" } });
    assert.equal(late.space.count("request", "default"), 1);
  });

  it("refuses what no machine could run, at once, with the one that comes nearest", async () => {
    const answer = await world.call("POST", "/v1/jobs", {
      body: { title: "huge", steps: [{ ...listStep, needs: { cpus: 64 } }] },
    });
    assert.equal(answer.statusCode, 422);
    assert.equal(problem(answer).code, "infeasible");
    assert.match(problem(answer).hint!, new RegExp(`canopy machines show ${agent.machine}$`));
    assert.ok(![...world.space.list("job")].some(({ spec }) => spec.title === "huge"));
  });

  it("refuses blobs that are not there, and steps in a circle, naming them", async () => {
    const module = "a".repeat(64);
    const missing = await world.call("POST", "/v1/jobs", {
      body: {
        title: "x",
        steps: [{ name: "m", run: { driver: "runner", module, function: "f" } }],
      },
    });
    assert.equal(missing.statusCode, 404);
    assert.match(problem(missing).detail, /the module of the step 'm'/);
    const steps = [
      { ...listStep, name: "a", after: ["b"] },
      { ...listStep, name: "b", after: ["a"] },
    ];
    const circle = await world.call("POST", "/v1/jobs", { body: { title: "x", steps } });
    assert.equal(circle.statusCode, 400);
    assert.match(problem(circle).detail, /a.*b/);
  });
});

describe("GET /v1/jobs", () => {
  it("lists by pages, the newest first, live and archived ones, each once", async () => {
    const own = await startWorld();
    after(() => own.stop());
    const ids: string[] = [];
    for (let at = 0; at < 7; at++) ids.push((await submitJob(own, { title: `t${at}` })).id);
    for (const id of ids.slice(0, 4)) {
      const job = own.space.get("job", id)!;
      await own.space.commit((tx) =>
        tx.archive<"job">({ ...job, status: { ...job.status, phase: "succeeded", endedAt: 1 } }),
      ).durable;
    }
    const seen: string[] = [];
    for (let cursor = ""; ;) {
      const page = (await own.call("GET", `/v1/jobs?limit=3${cursor}`)).json<Page<JobView>>();
      seen.push(...page.items.map(({ id }) => id));
      if (page.next === undefined) break;
      cursor = `&cursor=${page.next}`;
    }
    assert.deepEqual(seen, ids.toSorted().reverse());
    const ended = (await own.call("GET", "/v1/jobs?phase=succeeded")).json<Page<JobView>>();
    assert.equal(ended.items.length, 4);
    assert.equal(
      (await own.call("GET", `/v1/jobs/${ids[0]}`)).json<JobDetail>().phase,
      "succeeded",
    );
  });
});

describe("steps and tasks of a job", () => {
  it("a step added by number twice is one step, unless it asks for something else", async () => {
    const job = await submitJob(world, { steps: [], open: true });
    const add = (fingerprint: string) =>
      world.call("POST", `/v1/jobs/${job.id}/steps?number=0`, {
        body: { ...listStep, fingerprint },
      });
    const first = await add("f");
    assert.equal(first.statusCode, 201);
    assert.equal((await add("f")).json<StepView>().id, first.json<StepView>().id);
    assert.equal((await add("g")).statusCode, 409);
    assert.equal((await readJob(job.id)).steps, 1);
  });

  it("a step added again after its job has ended and left memory is the one that there is, and no other", async () => {
    const job = await submitJob(world, { steps: [], open: true });
    const add = (number: number, more: object = {}, headers: Record<string, string> = {}) =>
      world.call("POST", `/v1/jobs/${job.id}/steps?number=${number}`, {
        body: { ...listStep, fingerprint: "f", ...more },
        headers,
      });
    const key = { "idempotency-key": "once" };
    const keyed = () =>
      world.call("POST", `/v1/jobs/${job.id}/steps`, {
        body: { ...listStep, name: "b" },
        headers: key,
      });
    const said = (await add(0)).json<StepView>().id;
    const saidByKey = (await keyed()).json<StepView>().id;
    const again = async () => {
      assert.equal((await add(0)).json<StepView>().id, said);
      assert.equal((await keyed()).json<StepView>().id, saidByKey);
      assert.equal((await add(0, { fingerprint: "g" })).statusCode, 409);
      assert.equal((await add(2)).statusCode, 409);
    };
    assert.equal((await world.call("POST", `/v1/jobs/${job.id}/cancel`)).statusCode, 200);
    await again();
    await world.space.commit((tx) => {
      for (const number of [0, 1]) tx.archive(tx.get("step", `${job.id}/${number}`)!);
      tx.archive(tx.get("job", job.id)!);
    }).durable;
    await again();
    assert.equal((await readJob(job.id)).steps, 2);
  });

  it("append by number: again is once, a gap is a conflict, close is the end", async () => {
    const job = await submitJob(world);
    const inputs = [1, { a: "ü" }, null];
    assert.deepEqual((await append(job.id, { from: 0, inputs })).json<AppendedView>(), {
      offered: 3,
      closed: false,
    });
    assert.deepEqual((await append(job.id, { from: 0, inputs })).json<AppendedView>(), {
      offered: 3,
      closed: false,
    });
    assert.equal((await append(job.id, { from: 5, inputs })).statusCode, 409);
    assert.deepEqual(
      (await append(job.id, { from: 2, inputs: [null, 4], close: true })).json<AppendedView>(),
      { offered: 4, closed: true },
    );
    const task = (await world.call("GET", `/v1/jobs/${job.id}/steps/0/tasks/1`)).json<TaskDetail>();
    assert.equal(task.input, '{"a":"ü"}');
    assert.equal((await world.call("GET", `/v1/jobs/${job.id}/steps/0/tasks/4`)).statusCode, 404);
    assert.equal((await world.call("GET", `/v1/jobs/${job.id}/steps/9`)).statusCode, 404);
  });

  it("append made again after all has ended and left memory says what there is, and takes nothing more", async () => {
    const job = await submitJob(world);
    const body = { from: 0, inputs: [1, 2], close: true };
    const said = { offered: 2, closed: true };
    assert.deepEqual((await append(job.id, body)).json<AppendedView>(), said);
    await world.space.commit((tx) => {
      tx.archive(tx.get("step", `${job.id}/0`)!);
      const record = tx.get("job", job.id)!;
      tx.archive<"job">({ ...record, status: { ...record.status, phase: "succeeded" } });
    }).durable;
    assert.deepEqual((await append(job.id, body)).json<AppendedView>(), said);
    assert.equal((await append(job.id, { from: 2, inputs: [3] })).statusCode, 409);
    assert.equal((await append(job.id, { from: 9, inputs: [] })).statusCode, 409);
  });

  it("append takes NDJSON, names the line that is wrong, and keeps what came before it", async () => {
    const job = await submitJob(world);
    const headers = { "content-type": "application/x-ndjson" };
    const url = `/v1/jobs/${job.id}/steps/0/tasks`;
    const good = await world.call("POST", `${url}?from=0`, {
      headers,
      body: '1\n\n"zwei ✓"\n{"three": 3}',
    });
    assert.deepEqual(good.json<AppendedView>(), { offered: 3, closed: false });
    assert.equal(
      (await world.call("GET", `${url.replace(/tasks$/, "tasks/2")}`)).json<TaskDetail>().input,
      '{"three": 3}',
    );
    const bad = await world.call("POST", `${url}?from=3`, { headers, body: "4\n5\nsix\n7\n" });
    assert.equal(bad.statusCode, 400);
    assert.match(problem(bad).detail, /line 3/);
    const closed = await world.call("POST", `${url}?from=3&close=true`, { headers, body: "4\n" });
    assert.deepEqual(closed.json<AppendedView>(), { offered: 4, closed: true });
  });

  it("an input too large to travel inline becomes a blob", async () => {
    const job = await submitJob(world);
    const input = "x".repeat(limits.inlineBytesMax);
    await append(job.id, { from: 0, inputs: [input] });
    const task = (await world.call("GET", `/v1/jobs/${job.id}/steps/0/tasks/0`)).json<TaskDetail>();
    assert.equal(task.input, "null");
    assert.equal((await world.call("GET", `/v1/blobs/${task.inputBlob}`)).json<string>(), input);
  });

  it("steps are found by any title that a step may have", async () => {
    const title = "t".repeat(200);
    const job = await submitJob(world, { steps: [{ ...oneTask, title }] });
    const list = (asked: string) => world.call("GET", `/v1/jobs/${job.id}/steps?title=${asked}`);
    assert.equal((await list(title)).json<Page<object>>().items.length, 1);
    assert.equal((await list(`${title}t`)).statusCode, 400);
  });

  it("tasks are listed running, waiting and ended, by pages, each once", async () => {
    await cancelAll();
    const job = await submitJob(world);
    await append(job.id, {
      from: 0,
      inputs: Array.from({ length: 20 }, (_, at) => at),
      close: true,
    });
    const list = async (query: string) =>
      (await world.call("GET", `/v1/jobs/${job.id}/tasks?${query}`)).json<Page<TaskView>>();
    assert.equal((await list("phase=ready")).items.length, 20);
    assert.equal((await list("phase=succeeded")).items.length, 0);
    agent.send({ type: "pull", max: 2 });
    const { tasks } = await agent.next("tasks");
    const [done, held] = tasks;
    agent.send({
      type: "finish",
      number: 900,
      reports: [{ task: done!.task, fence: done!.fence, usage: usage(), result: "1" }],
    });
    await agent.next("finished");
    assert.deepEqual(
      (await list("phase=running")).items.map(({ id }) => id),
      tasks.slice(1).map(({ task }) => task),
    );
    assert.equal((await list("phase=succeeded")).items[0]!.machine, agent.machine);
    const seen: string[] = [];
    for (let cursor = ""; ;) {
      const page = await list(`limit=6${cursor}`);
      seen.push(...page.items.map(({ id }) => id));
      if (page.next === undefined) break;
      cursor = `&cursor=${page.next}`;
    }
    assert.equal(seen.length, 20);
    assert.equal(new Set(seen).size, 20);
    assert.equal(seen[0], held!.task);
    const why = (await world.call("GET", `/v1/jobs/${job.id}/steps/0/tasks/1/why`)).json<WhyView>();
    assert.equal(why.phase, "running");
    assert.ok(why.explanations.length > 0);
    agent.send({ type: "release", tasks: tasks.slice(1).map(({ task, fence }) => [task, fence]) });
    await world.call("POST", `/v1/jobs/${job.id}/cancel`);
  });
});

const usage = () => ({
  startedAt: 1_900_000_000_000,
  wallMs: 5,
  cpuMs: 4,
  memoryBytes: 1000,
  readBytes: 0,
  writtenBytes: 0,
});

describe("the end of a job", () => {
  it("its result can be waited for, and its cost is told as money", async () => {
    await cancelAll();
    const job = await submitJob(world, { main: "main", steps: [oneTask] });
    const waiting = world.call("GET", `/v1/jobs/${job.id}/result?waitMs=20000`);
    const worker = agent.work(() => ({ result: '{"n":42}', usage: usage() }));
    const result = (await waiting).json<JobResult>();
    worker.stop();
    assert.equal(result.phase, "succeeded");
    assert.equal(result.result, '{"n":42}');
    assert.equal(result.exitCode, 0);
    const cost = (await world.call("GET", `/v1/jobs/${job.id}/cost`)).json<CostView>();
    assert.equal(cost.currency, "USD");
    assert.match(cost.spent!, /^0\.\d{2,6}$/);
    assert.equal(cost.projected, cost.spent);
    assert.equal(cost.usage.cpuMs, 4);
    const detail = await readJob(job.id);
    assert.equal(detail.tasks.succeeded, 1);
  });

  it("a failed task tells why, through result, why and the task itself; retry runs it again", async () => {
    const job = await submitJob(world, { main: "main", steps: [{ ...oneTask, retries: 0 }] });
    let isBroken = true;
    const worker = agent.work(() =>
      isBroken ? { error: { reason: "threw", message: "boom", stack: "at x" } } : { result: "1" },
    );
    const result = (
      await world.call("GET", `/v1/jobs/${job.id}/result?waitMs=20000`)
    ).json<JobResult>();
    assert.equal(result.phase, "failed");
    assert.equal(result.error!.message, "boom");
    const why = (await world.call("GET", `/v1/jobs/${job.id}/why`)).json<WhyView>();
    assert.match(why.explanations[0]!.sentence, /failed/);
    assert.equal(why.explanations[0]!.advice, `canopy retry ${job.id}`);
    isBroken = false;
    const headers = { "idempotency-key": "retry-once" };
    const retry = () => world.call("POST", `/v1/jobs/${job.id}/retry`, { headers });
    const [first, copy] = await Promise.all([retry(), retry()]);
    assert.deepEqual([first.statusCode, copy.statusCode], [200, 200], copy.body);
    const second = (
      await world.call("GET", `/v1/jobs/${job.id}/result?waitMs=20000`)
    ).json<JobResult>();
    worker.stop();
    assert.equal(second.phase, "succeeded");
    assert.equal(
      (await retry()).json<JobView>().phase,
      "succeeded",
      "said once more, it does nothing",
    );
    assert.equal((await world.call("POST", `/v1/jobs/${job.id}/retry`)).statusCode, 409);
  });

  it("cancel says by whom, twice changes nothing more, and appending to it is a conflict", async () => {
    const job = await submitJob(world);
    const first = (await world.call("POST", `/v1/jobs/${job.id}/cancel`)).json<JobView>();
    assert.equal(first.phase, "cancelled");
    assert.match(first.reason!, /root/);
    assert.equal(
      (
        await world.call("POST", `/v1/jobs/${job.id}/cancel`, { body: { reason: "no" } })
      ).json<JobView>().reason,
      first.reason,
    );
    assert.equal((await append(job.id, { from: 0, inputs: [1] })).statusCode, 409);
    assert.equal((await world.call("POST", `/v1/jobs/${job.id}/close`)).statusCode, 200);
  });
});

describe("machines", () => {
  it("are listed with what they have and what they do, and can be cordoned and labelled", async () => {
    const view = (await world.call("GET", `/v1/machines/${agent.machine}`)).json<{
      connected: boolean;
      capacity: object;
      labels: object;
      cordoned: boolean;
    }>();
    assert.equal(view.connected, true);
    assert.deepEqual(view.capacity, { milliCpus: 4000, memoryBytes: 8e9 });
    const changed = await world.call("PATCH", `/v1/machines/${agent.machine}`, {
      body: { cordoned: true, labels: { gpu: "a100" } },
    });
    assert.equal(changed.json<{ cordoned: boolean }>().cordoned, true);
    const back = await world.call("PATCH", `/v1/machines/${agent.machine}`, {
      body: { cordoned: false, labels: { gpu: null } },
    });
    assert.deepEqual(back.json<{ labels: object }>().labels, {});
    const etag = (await world.call("GET", `/v1/machines/${agent.machine}`)).headers.etag as string;
    const patch = () =>
      world.call("PATCH", `/v1/machines/${agent.machine}`, {
        body: { labels: {} },
        headers: { "if-match": etag },
      });
    assert.equal((await patch()).statusCode, 200);
    assert.equal((await patch()).statusCode, 409);
    const list = (await world.call("GET", "/v1/machines")).json<Page<{ name: string }>>();
    assert.deepEqual(
      list.items.map(({ name }) => name),
      [agent.machine],
    );
    assert.equal((await world.call("GET", "/v1/machines/none")).statusCode, 404);
  });
});

describe("the calls for operators", () => {
  it("say that it lives, is ready, and what it does, without a key", async () => {
    for (const url of ["/livez", "/readyz"])
      assert.equal((await world.call("GET", url, { key: "" })).body, "ok\n");
    const metrics = (await world.call("GET", "/metrics", { key: "" })).body;
    assert.match(metrics, /^canopy_machines_connected 1$/m);
    assert.match(metrics, /^canopy_tasks_ended_total\{phase="succeeded"\} \d+$/m);
    const status = (await world.call("GET", "/v1/status")).json<{
      machinesConnected: number;
      capacity: { milliCpus: number };
    }>();
    assert.equal(status.machinesConnected, 1);
    assert.equal(status.capacity.milliCpus, 4000);
  });
});
