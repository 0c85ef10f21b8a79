import assert from "node:assert/strict";
import { test } from "node:test";
import { SimulatedClock } from "./simulated-clock.ts";

test("SimulatedClock runs what falls due in order of time, and what follows from it at the same instant", async () => {
  const clock = new SimulatedClock(1000);
  const told: string[] = [];
  const tell = (what: string) => () => void told.push(`${what} ${clock.now()}`);
  clock.after(20, tell("later"));
  clock.after(10, () => {
    tell("sooner")();
    void Promise.resolve().then(tell("reaction"));
    clock.soon(tell("soon"));
    clock.after(0, tell("again"));
  });
  clock.after(15, tell("never")).cancel();
  await clock.run(() => false);
  assert.deepEqual(told, ["sooner 1010", "reaction 1010", "soon 1010", "again 1010", "later 1020"]);
});

test("SimulatedClock lets no time pass in the middle of what awaits, however long that is", async () => {
  const clock = new SimulatedClock(0);
  const told: number[] = [];
  clock.after(10, async () => {
    for (let step = 0; step < 500; step++) await Promise.resolve();
    clock.soon(async () => {
      for (let step = 0; step < 500; step++) await Promise.resolve();
      told.push(clock.now());
    });
  });
  clock.after(20, () => {});
  await clock.run(() => false);
  assert.deepEqual(told, [10]);
});

test("SimulatedClock lets no time pass for what is asked in the background, and runs it on the way", async () => {
  const clock = new SimulatedClock(0);
  const looks: number[] = [];
  const look = () => {
    looks.push(clock.now());
    clock.after(100, look, true);
  };
  clock.after(100, look, true);
  clock.after(250, () => {});
  clock.after(1000, () => {});
  await clock.run(() => false);
  assert.deepEqual(looks, [250, 1000]);
});

test("SimulatedClock stops when it is over, and goes on from there", async () => {
  const clock = new SimulatedClock(0);
  for (const atMs of [1, 2, 3]) clock.after(atMs, () => {});
  await clock.run(() => clock.now() === 2);
  assert.equal(clock.now(), 2);
  await clock.run(() => false);
  assert.equal(clock.now(), 3);
});
