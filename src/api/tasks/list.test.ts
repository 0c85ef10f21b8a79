import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Page, TaskView } from "#/model/views.ts";
import { listStep, startWorld, submitJob, type World } from "../testing/world.ts";

let world: World;
before(async () => void (world = await startWorld()));
after(() => world.stop());

describe("the tasks of a job", () => {
  it("that wait are listed each once when those that were told end meanwhile", async () => {
    const job = await submitJob(world, {
      steps: ["one", "two"].map((name) => ({ ...listStep, name })),
    });
    const inputs = Array.from({ length: 6 }, (_, at) => at);
    for (const step of [0, 1]) {
      const url = `/v1/jobs/${job.id}/steps/${step}/tasks`;
      assert.equal((await world.call("POST", url, { body: { from: 0, inputs } })).statusCode, 200);
    }
    const told: string[] = [];
    for (let cursor = ""; ;) {
      const url = `/v1/jobs/${job.id}/tasks?phase=ready&limit=4${cursor}`;
      const { items, next } = (await world.call("GET", url)).json<Page<TaskView>>();
      told.push(...items.map(({ id }) => id));
      if (next === undefined) break;
      cursor = `&cursor=${next}`;
      const last = world.space.get("task", items.at(-1)!.id)!;
      world.space.commit((tx) =>
        tx.archive({ ...last, status: { phase: "succeeded", result: "1" } }),
      );
    }
    const names = [0, 1].flatMap((step) => inputs.map((at) => `${job.id}/${step}/${at}`));
    assert.deepEqual(told, names);
  });

  it("that wait are listed by pages that look at little more than they tell, in the order of their numbers", async () => {
    const job = await submitJob(world);
    const count = 9000;
    const inputs = Array.from({ length: count }, (_, at) => at);
    await world.call("POST", `/v1/jobs/${job.id}/steps/0/tasks`, { body: { from: 0, inputs } });
    const step = `${job.id}/0`;
    const task = (index: number) => world.space.get("task", `${step}/${index}`)!;
    const back = task(5);
    await world.space.commit((tx) => {
      for (let index = 0; index < 4000; index++)
        tx.archive({ ...task(index), status: { phase: "succeeded", result: "1" } });
    }).durable;
    await world.space.commit((tx) => tx.put<"task">({ ...back, status: { phase: "ready" } }))
      .durable;
    const { list } = world.space;
    let looks = 0;
    world.space.list = function* (kind, parent) {
      for (const record of list.call(world.space, kind, parent)) {
        if (kind === "task") looks++;
        yield record as never;
      }
    };
    const told: number[] = [];
    for (let cursor = ""; ;) {
      const url = `/v1/jobs/${job.id}/tasks?phase=ready&limit=500${cursor}`;
      const { items, next } = (await world.call("GET", url)).json<Page<TaskView>>();
      told.push(...items.map(({ id }) => Number(id.slice(step.length + 1))));
      if (next === undefined) break;
      cursor = `&cursor=${next}`;
    }
    world.space.list = list;
    assert.deepEqual(told, [5, ...inputs.slice(4000)]);
    assert.ok(looks <= 5001, `it looked at ${looks}`);
  });
});
