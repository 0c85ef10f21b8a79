import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Clock, Timer } from "#/base/clock.ts";
import { limits } from "#/base/limits.ts";
import { silent } from "#/base/log.ts";
import { ManualClock } from "#/base/manual-clock.ts";
import { readyStatus } from "#/model/task.ts";
import { Leadership } from "./leadership.ts";
import type { Batch, Leader } from "./log.ts";
import { MemoryLog, SharedMemory } from "./logs/memory.ts";
import { Space } from "./space.ts";

const draft = (name: string) =>
  ({ kind: "task", project: "default", name, spec: { input: "1" }, status: readyStatus }) as const;

/** A process's clock: while the process stands still, what falls due waits. */
class ProcessClock implements Clock {
  isPaused = false;
  #base: ManualClock;
  #late: (() => void)[] = [];

  constructor(base: ManualClock) {
    this.#base = base;
  }

  now = () => this.#base.now();
  monotonicMs = () => this.#base.monotonicMs();
  soon = (action: () => void) => void this.after(0, action);

  after(delayMs: number, action: () => void): Timer {
    let isOff = false;
    const run = () => {
      if (isOff) return;
      if (this.isPaused) this.#late.push(run);
      else action();
    };
    const timer = this.#base.after(delayMs, run);
    return { cancel: () => ((isOff = true), timer.cancel()) };
  }

  resume(): void {
    this.isPaused = false;
    for (const run of this.#late.splice(0)) this.#base.after(0, run);
  }
}

/** A log that can be cut off. */
class CutLog extends MemoryLog {
  isCut = false;
  /** Answers, and hears nobody: as a server that a promoted standby has left behind. */
  isLeftBehind = false;

  #check(): void {
    if (this.isCut) throw new Error("connection lost");
  }

  override async read(sequence: number, max: number): Promise<Batch[]> {
    this.#check();
    return super.read(sequence, max);
  }

  override async leader(): Promise<Leader | undefined> {
    this.#check();
    const leader = await super.leader();
    return leader && this.isLeftBehind ? { ...leader, silentMs: limits.leaderSilentMs } : leader;
  }

  override async lead(url: string): Promise<number | undefined> {
    this.#check();
    return super.lead(url);
  }

  override async beat(): Promise<void> {
    this.#check();
    return super.beat();
  }

  override async append(batch: Batch): Promise<void> {
    this.#check();
    return super.append(batch);
  }
}

/** A control plane that only counts: begins anew when its leadership is over, as the program does. */
class Plane {
  readonly url: string;
  readonly clock: ProcessClock;
  readonly log: CutLog;
  readonly acknowledged: string[] = [];
  space!: Space;
  leadership!: Leadership;
  lives = 0;
  hasLed = 0;
  isDead = false;

  constructor(url: string, shared: SharedMemory, base: ManualClock) {
    this.url = url;
    this.clock = new ProcessClock(base);
    this.log = new CutLog(shared);
  }

  async start(): Promise<this> {
    this.lives++;
    this.space = await Space.follow({
      log: this.log,
      clock: this.clock,
      report: silent,
      onBroken: (thrown) => leadership.broken(thrown),
    });
    const leadership = new Leadership({
      space: this.space,
      log: this.log,
      clock: this.clock,
      report: silent,
      url: this.url,
      onLead: () => this.hasLed++,
      onOver: () => {
        if (!this.isDead) void this.start();
      },
    });
    this.leadership = leadership;
    leadership.start();
    return this;
  }

  /** Commits, when it leads; notes the name once that is acknowledged. */
  write(name: string): boolean {
    if (!this.leadership.isLeading || this.clock.isPaused) return false;
    const { durable } = this.space.commit((tx) => tx.put(draft(name)));
    void durable.then(() => this.acknowledged.push(name));
    return true;
  }

  names(): string[] {
    return [...this.space.all("task")].map(({ name }) => name);
  }

  kill(): void {
    this.isDead = true;
    this.leadership.stop();
  }
}

async function startPlanes(count: number, batchesKept?: number) {
  const clock = new ManualClock();
  const shared = new SharedMemory(clock, batchesKept);
  const planes: Plane[] = [];
  for (let number = 0; number < count; number++) {
    planes.push(await new Plane(`plane-${number}`, shared, clock).start());
    await clock.advance(1);
  }
  const leaders = () => planes.filter(({ leadership }) => leadership.isLeading);
  return { clock, shared, planes, leaders };
}

test("the first control plane leads at once, and the others know it and see what it writes", async () => {
  const { clock, planes, leaders } = await startPlanes(3);
  const [first, second, third] = planes;
  assert.deepEqual(leaders(), [first]);
  assert.ok(first!.leadership.isSure);
  await clock.advance(limits.followMs);
  assert.equal(second!.leadership.leader?.url, "plane-0");
  first!.write("j/0/1");
  await clock.advance(10);
  assert.deepEqual(first!.acknowledged, ["j/0/1"]);
  for (const plane of [second, third]) assert.deepEqual(plane!.names(), ["j/0/1"]);
  assert.throws(() => second!.space.commit(() => {}), { code: "unavailable" });
});

test("a leader that says nothing is followed by another within the silence and one look", async () => {
  const { clock, planes, leaders } = await startPlanes(3);
  planes[0]!.write("j/0/1");
  await clock.advance(5_000);
  planes[0]!.kill();
  await clock.advance(limits.leaderSilentMs - limits.leaderBeatMs - 10);
  assert.deepEqual(leaders(), []);
  await clock.advance(limits.leaderBeatMs + limits.followMs + 10);
  assert.equal(leaders().length, 1);
  assert.equal(leaders()[0]!.space.epoch, 2);
  assert.deepEqual(leaders()[0]!.names(), ["j/0/1"]);
});

test("a follower has not caught up with a log that has not heard its leader", async () => {
  const { clock, planes } = await startPlanes(2);
  await clock.advance(limits.followMs);
  await planes[1]!.leadership.catchUp();
  planes[1]!.log.isLeftBehind = true;
  await assert.rejects(planes[1]!.leadership.catchUp(), { code: "unavailable" });
  planes[1]!.log.isLeftBehind = false;
  await planes[1]!.leadership.catchUp();
});

test("resign() writes what is pending, and another leads at once", async () => {
  const { clock, planes, leaders } = await startPlanes(2);
  planes[0]!.write("j/0/1");
  await Promise.all([planes[0]!.leadership.resign(), clock.advance(100)]);
  assert.deepEqual(planes[0]!.acknowledged, ["j/0/1"]);
  assert.deepEqual(leaders(), [planes[1]]);
  assert.deepEqual(planes[1]!.names(), ["j/0/1"]);
});

test("a leader that stood still is sure of nothing when it wakes, and what it writes is not acknowledged", async () => {
  const { clock, planes, leaders } = await startPlanes(2);
  const [first, second] = planes;
  first!.clock.isPaused = true;
  await clock.advance(limits.leaderSilentMs + limits.followMs);
  assert.ok(second!.leadership.isSure);
  first!.clock.isPaused = false;
  assert.equal(first!.leadership.isSure, false);
  assert.ok(first!.leadership.isLeading, "it does not know yet");
  first!.write("j/0/1");
  first!.clock.resume();
  await clock.advance(1_000);
  assert.deepEqual(leaders(), [second]);
  assert.equal(first!.lives, 2);
  assert.deepEqual(first!.acknowledged, []);
  assert.deepEqual(first!.names(), []);
});

test("a leader that stood still goes on when nobody took its place", async () => {
  const { clock, planes } = await startPlanes(1);
  const [only] = planes;
  only!.clock.isPaused = true;
  await clock.advance(10 * limits.leaderSilentMs);
  only!.clock.resume();
  assert.equal(only!.leadership.isSure, false);
  await clock.advance(limits.leaderBeatMs);
  assert.ok(only!.leadership.isSure);
  assert.equal(only!.lives, 1);
});

test("a leader cut off from the log steps down in time, and leads again when it can be reached", async () => {
  const { clock, planes, leaders } = await startPlanes(1);
  const [only] = planes;
  only!.log.isCut = true;
  await clock.advance(limits.leaderSilentMs + 200);
  assert.deepEqual(leaders(), []);
  assert.equal(only!.lives, 2);
  assert.ok(only!.leadership.behindMs > 0);
  only!.log.isCut = false;
  await clock.advance(2 * limits.followMs);
  assert.deepEqual(leaders(), [only]);
});

test("a follower that the log has left behind begins anew", async () => {
  const { clock, planes } = await startPlanes(2, 4);
  const [first, second] = planes;
  second!.log.isCut = true;
  for (let number = 0; number < 10; number++) {
    first!.write(`j/0/${number}`);
    await clock.advance(10);
  }
  second!.log.isCut = false;
  await clock.advance(1_000);
  assert.equal(second!.lives, 2);
  assert.deepEqual(second!.names(), first!.names());
});

type Act = { plane: number; what: "write" | "cut" | "heal" | "pause" | "wake" | "resign" | "kill" };

test("whatever happens to them: never two are sure, nothing acknowledged is lost, and all agree in the end", async () => {
  const act = fc.record({
    plane: fc.nat(2),
    what: fc.constantFrom<Act["what"]>(
      ...(["write", "write", "write", "cut", "heal", "pause", "wake", "resign", "kill"] as const),
    ),
    waitMs: fc.constantFrom(0, 1, 40, 300, 900, 2_100, 4_000),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(act, { maxLength: 40 }), async (acts) => {
      const { clock, shared, planes } = await startPlanes(3, 16);
      const acknowledged: string[] = [];
      let written = 0;
      const step = async (ms: number) => {
        for (let passed = 0; passed <= ms; passed += 50) {
          const sure = planes.filter((plane) => plane.leadership.isSure);
          assert.ok(sure.length <= 1, `sure: ${sure.map(({ url }) => url).join(", ")}`);
          await clock.advance(Math.min(50, ms - passed));
        }
      };
      for (const { plane: number, what, waitMs } of acts) {
        const plane = planes[number]!;
        if (what === "write") {
          for (const each of planes) if (each.write(`j/0/${written}`)) written++;
        } else if (what === "cut") plane.log.isCut = true;
        else if (what === "heal") plane.log.isCut = false;
        else if (what === "pause") plane.clock.isPaused = true;
        else if (what === "wake") plane.clock.resume();
        else if (what === "resign") {
          if (plane.leadership.isSure && !plane.log.isCut && !plane.clock.isPaused) {
            void plane.leadership.resign().then(() => plane.start());
          }
        } else {
          plane.kill();
          acknowledged.push(...plane.acknowledged);
          planes[number] = await new Plane(plane.url, shared, clock).start();
        }
        await step(waitMs);
      }
      for (const plane of planes) {
        plane.log.isCut = false;
        plane.clock.resume();
      }
      await step(limits.leaderSilentMs + 1_000);
      const leading = planes.filter(({ leadership }) => leadership.isSure);
      assert.equal(leading.length, 1, "one leads when all is well again");
      for (const plane of planes) {
        acknowledged.push(...plane.acknowledged);
        assert.deepEqual(plane.names(), leading[0]!.names());
        assert.equal(plane.space.sequence, shared.sequence);
      }
      const kept = new Set(leading[0]!.names());
      for (const name of acknowledged) assert.ok(kept.has(name), `${name} was acknowledged`);
    }),
    { numRuns: 60 },
  );
});
