import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startAgent, idleUsage, type TestAgent } from "#/api/testing/agent.ts";
import { startWorld, type World } from "#/api/testing/world.ts";
import { CanopyError } from "#/base/errors.ts";
import { stepOfTask } from "#/model/task.ts";
import { decodeValue, encodeValue } from "#/model/value.ts";
import type { JobView } from "#/model/views.ts";
import type { TaskReport } from "#/model/wire.ts";
import type { TaskContext } from "./context.ts";
import { job, mapReduce, task } from "./define.ts";
import {
  definitionOf,
  nameExports,
  type JobDefinition,
  type TaskDefinition,
} from "./definition.ts";
import { TaskFailed } from "./failures.ts";
import { now, random, sideEffect } from "./recorded.ts";

const square = task((n: number) => n * n);
const add = task((a: number, b: number) => a + b);
const fail = task((_: number): number => {
  throw new Error("no");
});
const exported: Record<string, unknown> = { square, add, fail };
nameExports(exported);

let world: World;
let url: string;
let agent: TestAgent;
let module: string;
/** How often each task was run, by its full name. */
const runs = new Map<string, number>();
let context: TaskContext | undefined;

before(async () => {
  world = await startWorld();
  url = await world.listen();
  agent = await startAgent(world, url, { cpus: 64 });
  module = (
    await world.call("POST", "/v1/blobs", {
      body: Buffer.from("the module"),
      headers: { "content-type": "application/octet-stream" },
    })
  ).json<{ key: string }>().key;
  Object.defineProperty(globalThis, Symbol.for("canopy.context"), {
    value: { current: () => context },
  });
  void serve();
});
after(() => world.stop());

/** Runs what it is given, but leaves the job's own function to the test. */
async function serve(): Promise<void> {
  const functions = new Map<string, string>();
  for (let number = 1; ; number++) {
    agent.send({ type: "pull", max: 100 });
    const { steps, tasks } = await agent.next("tasks");
    for (const [step, { spec }] of Object.entries(steps)) {
      const { run } = spec.template;
      functions.set(step, run.driver === "runner" && run.role === "task" ? run.function : "");
    }
    const reports: TaskReport[] = [];
    for (const { task: name, fence, input } of tasks) {
      const definition = definitionOf(exported[functions.get(stepOfTask(name))!]) as
        | TaskDefinition
        | undefined;
      if (!definition) continue;
      runs.set(name, (runs.get(name) ?? 0) + 1);
      const claim = { task: name, fence, usage: idleUsage };
      try {
        reports.push({
          ...claim,
          result: encodeValue(await definition.run(...(decodeValue(input) as unknown[]))),
        });
      } catch (thrown) {
        reports.push({ ...claim, error: { reason: "threw", message: (thrown as Error).message } });
      }
    }
    agent.send({ type: "finish", number, reports });
  }
}

class Crash extends Error {}

async function submit(): Promise<string> {
  const run = { driver: "runner", module, function: "main", role: "job" };
  const steps = [
    { name: "main", run, source: { type: "inputs", inputs: [[]] }, needs: { cpus: 0 } },
  ];
  const answer = await world.call("POST", "/v1/jobs", {
    body: { title: "durable", open: true, main: "main", onFailure: "continue", steps },
  });
  return answer.json<JobView>().id;
}

/** Runs a job's function as a runner does: attempt after attempt, for as long as it crashes. */
async function attempts<R>(id: string, ...bodies: (() => Promise<R>)[]): Promise<R> {
  for (const [at, body] of bodies.entries()) {
    context = { task: `${id}/0/0`, job: id, attempt: at + 1, cloudUrl: url, jobKey: world.root };
    const { run } = definitionOf(job(body)) as JobDefinition;
    try {
      return (await run()) as R;
    } catch (thrown) {
      if (!(thrown instanceof Crash)) throw thrown;
    } finally {
      context = undefined;
    }
  }
  throw new Error("it crashed each time");
}

test("a job that crashes after any of its calls goes on, and nothing that was finished runs again", async () => {
  const seen: unknown[] = [];
  for (let crashAt = 0; crashAt <= 7; crashAt++) {
    const id = await submit();
    let passed = 0;
    let isFirst = true;
    const line = () => {
      if (isFirst && passed++ === crashAt) throw new Crash();
    };
    const body = async () => {
      line();
      const startedAt = await now();
      line();
      const chance = await random();
      line();
      const one = await square(3);
      line();
      const many = await square.map([1, 2, 3]);
      line();
      const handle = square.spawn(10);
      const sum = await add.reduce(many, one);
      line();
      const effect = await sideEffect("tell", () => `told ${sum}`);
      line();
      return { startedAt, chance, one, many, sum, spawned: await handle.result(), effect };
    };
    const again = async () => {
      isFirst = false;
      return await body();
    };
    const result = await attempts(id, body, again);
    assert.deepEqual(
      { ...result, startedAt: 0, chance: 0 },
      {
        startedAt: 0,
        chance: 0,
        one: 9,
        many: [1, 4, 9],
        sum: 23,
        spawned: 100,
        effect: "told 23",
      },
    );
    seen.push(result);
    const ran = [...runs].filter(([name]) => name.startsWith(`${id}/`));
    assert.ok(
      ran.every(([, count]) => count === 1),
      JSON.stringify(ran),
    );
    assert.equal(ran.length, 6);
  }
  assert.equal(seen.length, 8);
});

test("now() and random() give a job that runs again what they gave before", async () => {
  const id = await submit();
  const seen: unknown[] = [];
  let crashes = 2;
  const body = async () => {
    seen.push([await now(), await random(), await sideEffect("count", () => seen.length)]);
    if (crashes-- > 0) throw new Crash();
  };
  await attempts(id, body, body, body);
  assert.equal(seen.length, 3);
  assert.deepEqual(seen[1], seen[0]);
  assert.deepEqual(seen[2], seen[0]);
});

test("calls that go on at once find their steps in whatever order they come", async () => {
  const id = await submit();
  let isFirst = true;
  const chain = async (from: number, slow: boolean) => {
    if (slow === isFirst) await new Promise((resolve) => setTimeout(resolve, 50));
    const next = await square(from);
    return await square(next + 1);
  };
  const body = async () => {
    const results = await Promise.all([chain(2, true), chain(3, false)]);
    if (isFirst) {
      isFirst = false;
      throw new Crash();
    }
    return results;
  };
  assert.deepEqual(await attempts(id, body, body), [25, 100]);
  const ran = [...runs].filter(([name]) => name.startsWith(`${id}/`));
  assert.deepEqual(
    ran.map(([, count]) => count),
    [1, 1, 1, 1],
  );
});

test("a job that asks for something else when it runs again is told which call changed", async () => {
  const first = async () => {
    await square(1);
    await square.map([1, 2]);
    throw new Crash();
  };
  const other = async () => {
    await square(1);
    return await add.starmap([[1, 2]]);
  };
  await assert.rejects(
    attempts(await submit(), first as () => Promise<number[]>, other),
    (thrown) => {
      assert.ok(thrown instanceof CanopyError && thrown.code === "conflict", String(thrown));
      assert.match(
        thrown.message,
        /its call 2 changed: it was square\.map, and it is now add\.starmap/,
      );
      return true;
    },
  );
  const fewer = async () => {
    await square(1);
    return [0];
  };
  await assert.rejects(
    attempts(await submit(), first as () => Promise<number[]>, fewer),
    /its call 2 changed: it was square\.map, and it was not made again/,
  );
});

test("a stream of items is taken up where it was, and a change of their number is told", async () => {
  const id = await submit();
  let crash = true;
  const items = async function* (count: number) {
    for (let n = 0; n < count; n++) {
      if (n === 300 && crash) throw new Crash();
      yield n;
    }
  };
  const body = async () => (await square.map(items(500))).length;
  const again = async () => {
    crash = false;
    return await body();
  };
  assert.equal(await attempts(id, body, again), 500);
  const steps = (await world.call("GET", `/v1/jobs/${id}/steps`)).json<{ items: unknown[] }>()
    .items;
  assert.equal(steps.length, 2);

  const done = await submit();
  const closes = async () => {
    await square.map(items(5));
    throw new Crash();
  };
  const fewer = async () => (await square.map(items(4))).length;
  await assert.rejects(
    attempts(done, closes as () => Promise<number>, fewer),
    /it was given 5 items, and now 4/,
  );
});

test("a failure throws TaskFailed where it was called, or is a value when asked for", async () => {
  const id = await submit();
  const hopeless = fail.with({ retries: 0 });
  const body = async () => {
    const caught = await hopeless(1).catch((thrown: unknown) => thrown);
    assert.ok(caught instanceof TaskFailed, String(caught));
    assert.equal(caught.reason, "threw");
    assert.match(caught.message, /^fail \(task j.*\/1\/0\) threw no$/);
    await assert.rejects(async () => await hopeless.map([1, 2, 3]), TaskFailed);
    const values = await hopeless.map([1, 2], { errors: "values" });
    assert.ok(values.every((value) => value instanceof TaskFailed));
    const mixed: number[] = [];
    for await (const value of square.map([5, 6], { ordered: false })) mixed.push(value);
    return mixed.sort((a, b) => a - b);
  };
  assert.deepEqual(await attempts(id, body), [25, 36]);
});

test("a function that is not exported is refused with what to do", async () => {
  const hidden = task((n: number) => n);
  const counted = mapReduce({
    map: (n: number, emit: (key: number, value: number) => void) => emit(n, 1),
    reduce: (_, values) => values.length,
  });
  const id = await submit();
  await assert.rejects(
    attempts(id, async () => await hidden(1)),
    /its module does not export it/,
  );
  await assert.rejects(
    attempts(id, async () => (await counted.run([1])).length),
    /its module does not export it/,
  );
});
