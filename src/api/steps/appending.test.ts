import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { CanopyError } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import { startWorld, submitJob } from "../testing/world.ts";
import { Feed } from "../streams/feed.ts";
import { Appending } from "./appending.ts";
import { appendTasks } from "#/jobs/submit.ts";

/** A job in which too many tasks wait, until `room` is set. */
async function crowded() {
  let laterMs = 0;
  const waits: (() => void)[] = [];
  const world = await startWorld();
  const job = await submitJob(world);
  const state = { hasRoom: false, tries: 0 };
  const append: typeof appendTasks = (...asked) => {
    state.tries += 1;
    if (!state.hasRoom)
      throw new CanopyError("limited", "Cannot append tasks as too many wait", {
        retryAfterMs: 1000,
      });
    return appendTasks(...asked);
  };
  const { space, blobs } = world;
  const clock = {
    now: () => laterMs,
    monotonicMs: () => laterMs,
    after: (_delayMs: number, action: () => void) => (waits.push(action), { cancel: () => {} }),
    soon: (action: () => void) => setImmediate(action),
  };
  const feed = new Feed(space);
  const parts = { space, blobs, clock, feed, jobs: { appendTasks: append } };
  const appending = new Appending(parts as never, {
    project: "default",
    step: `${job.id}/0`,
    from: 0,
  });
  return {
    world,
    job,
    state,
    appending,
    pass: (ms: number) => ((laterMs += ms), waits.splice(0).forEach((wait) => wait())),
  };
}

describe("Appending", () => {
  it("holds a master back until tasks of its job have ended, and then takes what it gave", async () => {
    const { world, job, state, appending } = await crowded();
    const adding = appending.add(["1", "2"]);
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(state.tries, 1);
    state.hasRoom = true;
    const record = world.space.get("job", job.id)!;
    await world.space.commit((tx) => tx.put<"job">(record)).durable;
    await adding;
    assert.deepEqual(await appending.end(true), { offered: 2, closed: true });
    await world.stop();
  });

  it("tells a master to come again when that lasts", async () => {
    const { world, appending, pass } = await crowded();
    const adding = appending.add(["1"]);
    const refused = assert.rejects(adding, { code: "limited" });
    await new Promise((resolve) => setImmediate(resolve));
    pass(limits.throttleHoldMs);
    await refused;
    await world.stop();
  });
});
