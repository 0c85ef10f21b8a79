import assert from "node:assert/strict";
import { test } from "node:test";
import { silent } from "./log.ts";
import { startLoop } from "./loop.ts";
import { ManualClock } from "./manual-clock.ts";

function counting(turn: () => void | Promise<void> = () => {}) {
  const clock = new ManualClock();
  let turns = 0;
  const counted = async () => {
    turns++;
    await turn();
  };
  const loop = startLoop("test", counted, { clock, log: silent, everyMs: 1000 });
  return { clock, loop, turns: () => turns };
}

test("startLoop() takes a turn when woken, once for many calls, and by itself after everyMs", async () => {
  const { clock, loop, turns } = counting();
  loop.wake();
  loop.wake();
  await clock.advance(1);
  assert.equal(turns(), 1);
  await clock.advance(1000);
  assert.equal(turns(), 2);
});

test("a loop woken during its turn takes one more after it, never two at once", async () => {
  let running = 0;
  const release: (() => void)[] = [];
  const { clock, loop, turns } = counting(async () => {
    assert.equal(++running, 1);
    await new Promise<void>((resolve) => release.push(resolve));
    running--;
  });
  loop.wake();
  await clock.advance(1);
  loop.wake();
  loop.wake();
  await clock.advance(1);
  assert.equal(turns(), 1);
  release.shift()!();
  await clock.advance(1);
  assert.equal(turns(), 2);
  release.shift()!();
  await clock.advance(1);
  assert.equal(turns(), 2);
});

test("a turn that throws is tried again, and a stopped loop takes none", async () => {
  const { clock, loop, turns } = counting(() => {
    throw new Error("no");
  });
  loop.wake();
  await clock.advance(1);
  await clock.advance(1000);
  assert.equal(turns(), 2);
  loop.stop();
  loop.wake();
  await clock.advance(5000);
  assert.equal(turns(), 2);
});
