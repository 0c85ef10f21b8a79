import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { CanopyError } from "#/base/errors.ts";
import { MemoryLog } from "#/space/logs/memory.ts";
import type { Batch } from "#/space/log.ts";
import type { LogLineView } from "#/model/views.ts";
import { dial, hello, idleUsage, joinMachine, startAgent } from "./testing/agent.ts";
import { openEvents, openLines } from "./testing/lines.ts";
import { startWorld, submitJob, type World } from "./testing/world.ts";

/** A log that can be held up, and whose disk can be full. */
class SlowLog extends MemoryLog {
  gate: Promise<void> = Promise.resolve();
  isFull = false;

  override async append(batch: Batch): Promise<void> {
    await this.gate;
    if (this.isFull) throw new CanopyError("no-space", "Cannot keep changes as the disk is full");
    return super.append(batch);
  }
}

const log = new SlowLog();
let world: World;
let url: string;
before(async () => {
  world = await startWorld({ log });
  url = await world.listen();
});
after(() => world.stop());

const submitOne = (count = 1) =>
  submitJob(world, {
    steps: [
      {
        name: "main",
        run: { driver: "process", command: ["true"] },
        source: { type: "inputs", inputs: Array.from({ length: count }, (_, at) => at) },
      },
    ],
  });

describe("GET /v1/link", () => {
  it("refuses before the upgrade who has no key of a machine", async () => {
    await assert.rejects(dial(url, "m", "canopy_machine_wrong"), /401/);
    await assert.rejects(dial(url, "m", world.root), /403/);
  });

  it("ends the link of an agent that cannot be understood, with the reason", async () => {
    const known = await joinMachine(world, "odd");
    for (const [message, reason] of [
      ["broken", /Cannot read a message/],
      [{ type: "dance" }, /dance/],
      [{ type: "pull", max: 1 }, /before the agent was welcomed/],
      [{ type: "finish", number: 1, reports: [{ task: "x" }] }, /malformed/],
    ] as const) {
      const agent = await dial(url, known.machine, known.key);
      agent.send(message as never);
      assert.match((await agent.closed).reason, reason);
    }
  });

  it("welcomes an agent, keeps what it says of its machine, and offers work when it pulls", async () => {
    const agent = await startAgent(world, url);
    const machine = world.space.get("machine", agent.machine)!;
    assert.equal(machine.status.capacity.milliCpus, 4000);
    agent.send({ type: "pull", max: 10 });
    const job = await submitOne(2);
    const { steps, tasks } = await agent.next("tasks");
    assert.equal(tasks[0]!.task, `${job.id}/0/0`);
    assert.equal(steps[`${job.id}/0`]!.project, "default");
    agent.send({ type: "release", tasks: tasks.map(({ task, fence }) => [task, fence]) });
    await world.call("POST", `/v1/jobs/${job.id}/cancel`);
    agent.close();
  });

  it("acknowledges what has finished only when it is durable", async () => {
    const agent = await startAgent(world, url);
    const job = await submitOne();
    agent.send({ type: "pull", max: 1 });
    const [task] = (await agent.next("tasks")).tasks;
    const gate = Promise.withResolvers<void>();
    log.gate = gate.promise;
    agent.send({
      type: "finish",
      number: 7,
      reports: [{ task: task!.task, fence: task!.fence, usage: idleUsage, result: "1" }],
    });
    await new Promise((resolve) => setTimeout(resolve, 100));
    assert.equal(
      agent.received.some(({ type }) => type === "finished"),
      false,
    );
    log.gate = Promise.resolve();
    gate.resolve();
    assert.equal((await agent.next("finished")).number, 7);
    assert.equal(
      (await world.call("GET", `/v1/jobs/${job.id}/result?waitMs=5000`)).json<{ phase: string }>()
        .phase,
      "succeeded",
    );
    agent.close();
  });

  it("tells a linked agent at once of a control plane that joins, and not again of one that is known", async () => {
    const agent = await startAgent(world, url);
    const announce = (follower: string) =>
      world.call("POST", "/v1/control-planes", {
        body: { url: follower, sequence: 1, behindMs: 0 },
      });
    for (const follower of ["http://127.0.0.1:1", "http://127.0.0.1:1", "http://127.0.0.1:2"])
      assert.equal((await announce(follower)).statusCode, 200);
    const { controlPlanes } = await agent.next("planes");
    assert.deepEqual(controlPlanes.slice(1), ["http://127.0.0.1:1"]);
    const next = await agent.next("planes");
    assert.deepEqual(next.controlPlanes.slice(1), ["http://127.0.0.1:1", "http://127.0.0.1:2"]);
    agent.close();
  });

  it("says nothing while the disk is full, is not ready, and goes on when there is space", async () => {
    const agent = await startAgent(world, url);
    const job = await submitOne(2);
    agent.send({ type: "pull", max: 2 });
    const { tasks } = await agent.next("tasks");
    log.isFull = true;
    const report = (at: number) => ({
      task: tasks[at]!.task,
      fence: tasks[at]!.fence,
      usage: idleUsage,
      result: "1",
    });
    agent.send({ type: "finish", number: 1, reports: [report(0)] });
    await new Promise((resolve) => setTimeout(resolve, 100));
    agent.send({ type: "finish", number: 2, reports: [report(1)] });
    const refused = await world.call("POST", "/v1/projects", { body: { name: "full" } });
    assert.equal(refused.statusCode, 507);
    assert.equal((await world.call("GET", "/readyz", { key: "" })).statusCode, 503);
    assert.equal(
      agent.received.some(({ type }) => type === "finished"),
      false,
    );
    log.isFull = false;
    await agent.next("finished");
    await agent.next("finished");
    assert.equal(
      (await world.call("GET", `/v1/jobs/${job.id}/result?waitMs=5000`)).json<{ phase: string }>()
        .phase,
      "succeeded",
    );
    assert.equal((await world.call("GET", "/readyz", { key: "" })).statusCode, 200);
    agent.close();
  });

  it("a second link of one machine takes the place of the first", async () => {
    const known = await joinMachine(world, "twice");
    const first = await startAgent(world, url, { known });
    const second = await startAgent(world, url, { known });
    assert.match((await first.closed).reason, /another link/);
    second.close();
  });

  it("a machine that is removed loses its link and cannot come back", async () => {
    const agent = await startAgent(world, url);
    await world.call("DELETE", `/v1/machines/${agent.machine}`);
    assert.match((await agent.closed).reason, /removed/);
    await assert.rejects(dial(url, agent.machine, agent.key), /401/);
  });

  it("relays a segment from one agent to another, and says when it is gone or does not come", async () => {
    const [keeper, asker] = [await startAgent(world, url), await joinMachine(world, "asker")];
    const ask = (segment: string) =>
      world.call("GET", `/v1/machines/${keeper.machine}/segments/${segment}`, { key: asker.key });
    const content = Buffer.from([0, 1, 254, 255]);
    const asked = ask("j1/0/3/1");
    const { request, segment } = await keeper.next("fetch");
    assert.equal(segment, "j1/0/3/1");
    keeper.send({ type: "segment", request, content: content.toString("base64") });
    assert.deepEqual((await asked).rawPayload, content);
    const gone = ask("j1/0/3/2");
    keeper.send({
      type: "segment",
      request: (await keeper.next("fetch")).request,
      content: undefined,
    });
    assert.equal((await gone).statusCode, 404);
    const cut = ask("j1/0/3/3");
    await keeper.next("fetch");
    keeper.close();
    assert.equal((await cut).statusCode, 503);
    assert.equal((await ask("j1/0/3/4")).statusCode, 503);
  });

  it("keeps the lines that tasks print, to be read and followed", async () => {
    const agent = await startAgent(world, url);
    const job = await submitOne(2);
    agent.send({ type: "pull", max: 2 });
    const { tasks } = await agent.next("tasks");
    const line = (at: number, text: string) => ({
      task: tasks[at]!.task,
      at: 1_900_000_000_000,
      stream: "stdout" as const,
      text,
    });
    agent.send({
      type: "logs",
      lines: [line(0, "one"), line(1, "two"), { ...line(0, "lost"), task: "jnone/0/0" }],
    });
    const followed = await openLines(world, `${url}/v1/jobs/${job.id}/logs?follow=true`);
    assert.equal((JSON.parse((await followed.next())!) as LogLineView).text, "one");
    agent.send({ type: "logs", lines: [line(0, "three")] });
    agent.send({
      type: "finish",
      number: 1,
      reports: tasks.map(({ task, fence }) => ({ task, fence, usage: idleUsage, result: "null" })),
    });
    const texts = (await followed.rest()).map((text) => JSON.parse(text) as LogLineView);
    assert.deepEqual(
      texts.map(({ text }) => text),
      ["two", "three"],
    );
    const mine = await openLines(world, `${url}/v1/jobs/${job.id}/logs?task=${tasks[0]!.task}`);
    assert.deepEqual(
      (await mine.rest()).map((text) => (JSON.parse(text) as LogLineView).text),
      ["one", "three"],
    );
    const { next } = texts[0]!;
    const behind = await openLines(world, `${url}/v1/jobs/${job.id}/logs?after=${next}`);
    assert.deepEqual(
      (await behind.rest()).map((text) => (JSON.parse(text) as LogLineView).text),
      ["three"],
    );
    const events = await openEvents(world, `${url}/v1/jobs/${job.id}/logs`, {
      accept: "text/event-stream",
    });
    assert.equal((JSON.parse((await events.next())!.data) as LogLineView[]).length, 3);
    assert.equal((await world.logs.read("jnone")).lines.length, 0);
    agent.close();
  });

  it("after another hello the agent still holds what it held", async () => {
    const known = await joinMachine(world, "holder");
    const first = await startAgent(world, url, { known });
    const job = await submitOne();
    first.send({ type: "pull", max: 1 });
    const [task] = (await first.next("tasks")).tasks;
    first.close();
    await first.closed;
    const second = await dial(url, known.machine, known.key);
    second.send(hello(4, [[task!.task, task!.fence]]));
    await second.next("welcome");
    second.send({
      type: "finish",
      number: 1,
      reports: [{ task: task!.task, fence: task!.fence, usage: idleUsage, result: "5" }],
    });
    await second.next("finished");
    assert.equal(
      (await world.call("GET", `/v1/jobs/${job.id}/steps/0/tasks/0`)).json<{ result: string }>()
        .result,
      "5",
    );
    second.close();
  });
});
