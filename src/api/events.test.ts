import assert from "node:assert/strict";
import { once } from "node:events";
import { request, type IncomingMessage } from "node:http";
import { connect } from "node:net";
import { after, before, describe, it } from "node:test";
import { limits } from "#/base/limits.ts";
import type { EventView, JobDetail } from "#/model/views.ts";
import type { Transaction } from "#/space/space.ts";
import { startAgent } from "./testing/agent.ts";
import { openEvents } from "./testing/lines.ts";
import { startWorld, submitJob, type World } from "./testing/world.ts";

let world: World;
let url: string;
before(async () => {
  world = await startWorld();
  url = await world.listen();
});
after(() => world.stop());

const jobsOf = (event: { data: string }) =>
  (JSON.parse(event.data) as EventView).changes
    .filter(({ kind }) => kind === "job")
    .map(({ name }) => name);

describe("GET /v1/events", () => {
  it("tells what becomes durable, and after a break goes on with no gap and no double", async () => {
    const ids = new Set<string>();
    const told: string[] = [];
    const sequences: number[] = [];
    let last = world.space.sequence;
    for (let round = 0; round < 5; round++) {
      const events = await openEvents(world, `${url}/v1/events`, { "last-event-id": String(last) });
      for (let at = 0; at < 4; at++) ids.add((await submitJob(world)).id);
      while (new Set(told).size < ids.size - (round % 2)) {
        const event = (await events.next())!;
        assert.ok(event.id > last);
        last = event.id;
        sequences.push(last);
        told.push(...jobsOf(event));
      }
      events.cut();
    }
    const events = await openEvents(world, `${url}/v1/events`, { "last-event-id": "0" });
    const again: number[] = [];
    while (again.at(-1) !== last) again.push((await events.next())!.id);
    events.cut();
    assert.deepEqual(again.slice(-sequences.length), sequences);
  });

  it("counts tasks by step and phase, and tells nothing of other projects", async () => {
    await world.call("POST", "/v1/projects", { body: { name: "quiet" } });
    const quiet = await openEvents(world, `${url}/v1/events?project=quiet`);
    const events = await openEvents(world, `${url}/v1/events`);
    const job = await submitJob(world);
    await world.call("POST", `/v1/jobs/${job.id}/steps/0/tasks`, {
      body: { from: 0, inputs: [1, 2, 3] },
    });
    for (;;) {
      const { tasks } = JSON.parse((await events.next())!.data) as EventView;
      if (tasks.length === 0) continue;
      assert.deepEqual(tasks, [{ step: `${job.id}/0`, phase: "ready", count: 3 }]);
      break;
    }
    const own = (
      await world.call("POST", "/v1/jobs?project=quiet", {
        body: { title: "own", open: true, steps: [] },
      })
    ).json<{ id: string }>();
    assert.deepEqual(jobsOf((await quiet.next())!), [own.id]);
    quiet.cut();
    events.cut();
  });

  it("cuts off a reader that is too far behind, who then comes back for the rest", async () => {
    const { hostname, port } = new URL(url);
    const from = world.space.sequence;
    const headers = { authorization: `Bearer ${world.root}` };
    const response = await new Promise<IncomingMessage>((resolve) => {
      request({ hostname, port, path: "/v1/events", headers }, resolve).end();
    });
    const closed = new Promise<void>((resolve) =>
      response.once("close", resolve).once("error", () => {}),
    );
    response.pause();
    const many = (tx: Transaction) => {
      for (let at = 0; at < 100; at++) {
        tx.put<"project">({
          kind: "project",
          project: "default",
          name: `p${at}-${"x".repeat(2000)}`,
          spec: { title: "", createdAt: 0, weight: 1 },
          status: {},
        });
      }
    };
    let count = 0;
    for (; count < 150; count++) await world.space.commit(many).durable;
    response.resume();
    await closed;
    const events = await openEvents(world, `${url}/v1/events`, { "last-event-id": String(from) });
    for (let at = 1; at <= count; at++) assert.equal((await events.next())!.id, from + at);
    events.cut();
  });

  it("refuses to go on after what does not exist yet", async () => {
    const answer = await world.call("GET", `/v1/events?after=${world.space.sequence + 1000}`);
    assert.equal(answer.statusCode, 404);
  });
});

describe("GET /v1/jobs/{job}/events", () => {
  it("tells the whole job as it goes on, and ends with it", async () => {
    const agent = await startAgent(world, url);
    const job = await submitJob(world);
    const events = await openEvents(world, `${url}/v1/jobs/${job.id}/events`);
    const first = (await events.next())!;
    assert.equal(first.event, "progress");
    assert.equal((JSON.parse(first.data) as JobDetail).tasks.offered, 0);
    await world.call("POST", `/v1/jobs/${job.id}/steps/0/tasks`, {
      body: { from: 0, inputs: [1, 2, 3], close: true },
    });
    const worker = agent.work(() => ({}));
    let last = first;
    for (let event = await events.next(); event; event = await events.next()) last = event;
    worker.stop();
    assert.equal(last.event, "end");
    const detail = JSON.parse(last.data) as JobDetail;
    assert.equal(detail.phase, "succeeded");
    assert.equal(detail.tasks.succeeded, 3);
    agent.close();
  });
});

describe("streams", () => {
  it("are so many and no more, and end when the door closes", async () => {
    const own = await startWorld();
    const { port } = new URL(await own.listen());
    const ask = `GET /v1/events HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${own.root}\r\n\r\n`;
    const open = async () => {
      const socket = connect(Number(port), "127.0.0.1");
      socket.on("error", () => {});
      socket.write(ask);
      const [head] = (await once(socket, "data")) as [Buffer];
      return { socket, status: Number(head.toString().slice(9, 12)) };
    };
    const streams = await Promise.all(Array.from({ length: limits.watchersMax }, open));
    assert.ok(streams.every(({ status }) => status === 200));
    assert.equal((await open()).status, 429);
    streams[0]!.socket.destroy();
    while ((await open()).status !== 200);
    const ends = streams.slice(1).map(({ socket }) => once(socket, "close"));
    await own.stop();
    await Promise.all(ends);
  });
});
