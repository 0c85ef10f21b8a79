import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { ResultLine } from "#/model/views.ts";
import { startAgent, type TestAgent } from "./testing/agent.ts";
import { openLines } from "./testing/lines.ts";
import { listStep, startWorld, submitJob, type World } from "./testing/world.ts";

let world: World;
let url: string;
let agent: TestAgent;
before(async () => {
  world = await startWorld();
  url = await world.listen();
  agent = await startAgent(world, url, { cpus: 64 });
});
after(() => world.stop());

const append = async (id: string, from: number, count: number, close = false) => {
  const inputs = Array.from({ length: count }, (_, at) => from + at);
  const answer = await world.call("POST", `/v1/jobs/${id}/steps/0/tasks`, {
    body: { from, inputs, close },
  });
  assert.equal(answer.statusCode, 200, answer.body);
};
const indexOf = (line: string) => (JSON.parse(line) as { index: number }).index;
const parse = (line: string | undefined) => JSON.parse(line!) as ResultLine;
const results = (id: string, query = "") =>
  openLines(world, `${url}/v1/jobs/${id}/steps/0/results?${query}`);

/** Pulls one batch and finishes it in an order of the test's own. */
let number = 0;
async function finishBatch(max: number, reorder: <T>(list: T[]) => T[]): Promise<void> {
  agent.send({ type: "pull", max });
  const { tasks } = await agent.next("tasks");
  for (const { task, fence, input } of reorder(tasks)) {
    const usage = {
      startedAt: 0,
      wallMs: 1,
      cpuMs: 1,
      memoryBytes: 1,
      readBytes: 0,
      writtenBytes: 0,
    };
    agent.send({
      type: "finish",
      number: ++number,
      reports: [{ task, fence, usage, result: input }],
    });
    await agent.next("finished");
  }
}

describe("GET …/results", () => {
  it("order=index tells each result in turn while tasks end out of order, then the end", async () => {
    const job = await submitJob(world);
    const lines = await results(job.id);
    await append(job.id, 0, 10, true);
    await finishBatch(10, (list) => list.toReversed());
    const told = await lines.rest();
    assert.deepEqual(told.slice(0, -1).map(indexOf), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    assert.deepEqual(parse(told[3]), { index: 3, result: 3 });
    assert.deepEqual(parse(told.at(-1)), {
      end: { phase: "succeeded", offered: 10, succeeded: 10, failed: 0, cancelled: 0 },
    });
  });

  it("order=finish tells results as they come", async () => {
    const job = await submitJob(world);
    await append(job.id, 0, 5, true);
    const lines = await results(job.id, "order=finish");
    await finishBatch(5, (list) => list.toReversed());
    assert.deepEqual((await lines.rest()).slice(0, -1).map(indexOf), [4, 3, 2, 1, 0]);
  });

  it("a reader that was cut off goes on from where it was, whatever the order, with no gap and no double", async () => {
    const job = await submitJob(world);
    await append(job.id, 0, 40, true);
    for (const query of ["order=index", "order=finish"]) {
      const have = new Set<number>();
      for (let round = 0; have.size < 40; round++) {
        const resume =
          query === "order=index"
            ? `&from=${have.size}`
            : `&have=${[...have].sort((a, b) => a - b).join(",")}`;
        const lines = await results(job.id, query + resume);
        if (query === "order=index" && round < 4)
          await finishBatch(10, (list) => list.toSorted(() => (round % 2 === 0 ? -1 : 1)));
        for (let at = 0; at < 10; at++) {
          const index = indexOf((await lines.next())!);
          assert.equal(have.has(index), false, `${index} came twice`);
          have.add(index);
        }
        lines.cut();
      }
      const all = `${query}${query === "order=index" ? "&from=40" : "&have=0-39"}`;
      assert.equal((await (await results(job.id, all)).rest()).length, 1);
    }
  });

  it("tells results of a job that has long ended from the archive", async () => {
    const job = await submitJob(world);
    await append(job.id, 0, 1500, true);
    const worker = agent.work((task) => ({ result: task.input }));
    await world.call("GET", `/v1/jobs/${job.id}/result?waitMs=20000`);
    worker.stop();
    const step = world.space.get("step", `${job.id}/0`)!;
    await world.space.commit((tx) => tx.archive<"step">(step)).durable;
    for (const query of ["order=index&from=100", "order=finish&have=0-99"]) {
      const told = await (await results(job.id, query)).rest();
      assert.equal(told.length, 1401);
      assert.equal(indexOf(told[0]!), 100);
    }
  });

  it("tells failures with their reason, and those cancelled too", async () => {
    const job = await submitJob(world, {
      steps: [{ ...listStep, retries: 0, onFailure: "continue" }],
    });
    await append(job.id, 0, 2);
    const lines = await results(job.id);
    agent.send({ type: "pull", max: 1 });
    const { tasks } = await agent.next("tasks");
    const { task, fence } = tasks[0]!;
    const usage = {
      startedAt: 0,
      wallMs: 1,
      cpuMs: 1,
      memoryBytes: 1,
      readBytes: 0,
      writtenBytes: 0,
    };
    agent.send({
      type: "finish",
      number: ++number,
      reports: [
        { task, fence, usage, error: { reason: "exited", message: "exit 3", exitCode: 3 } },
      ],
    });
    assert.deepEqual(parse(await lines.next()), {
      index: 0,
      error: { reason: "exited", message: "exit 3", exitCode: 3 },
    });
    await world.call("POST", `/v1/jobs/${job.id}/cancel`);
    const [cancelled, end] = await lines.rest();
    assert.match(cancelled!, /"index":1,"error":\{"reason":"cancelled"/);
    assert.match(end!, /"phase":"cancelled"/);
  });

  it("a reader that stops reading costs no memory and slows nobody, and then gets everything", async () => {
    const job = await submitJob(world);
    const text = JSON.stringify("x".repeat(2000));
    const slow = await results(job.id, "order=finish");
    const worker = agent.work(() => ({ result: text }));
    const count = 6000;
    for (let from = 0; from < count; from += 1000)
      await append(job.id, from, 1000, from + 1000 === count);
    await world.call("GET", `/v1/jobs/${job.id}/result?waitMs=20000`);
    worker.stop();
    const told = await slow.rest();
    assert.equal(new Set(told.slice(0, -1).map(indexOf)).size, count);
    assert.equal(told.length, count + 1);
  });

  it("refuses a 'have' that is no list of ranges, and steps that are not there, before it begins", async () => {
    const job = await submitJob(world);
    assert.equal((await results(job.id, "order=finish&have=a-b")).status, 400);
    assert.equal((await openLines(world, `${url}/v1/jobs/${job.id}/steps/7/results`)).status, 404);
  });
});
