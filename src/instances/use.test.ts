import assert from "node:assert/strict";
import { after, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import fc from "fast-check";
import { limits } from "#/base/limits.ts";
import { ContainerRig } from "#/drivers/container/testing/container-rig.ts";
import type { RunningInstance } from "#/drivers/instance-driver.ts";
import type { InstanceReport } from "#/model/hosting.ts";
import type { InstanceUse } from "#/model/instance.ts";
import { fold } from "./fold.ts";
import { savingsOf } from "./savings.ts";
import { Estate } from "./testing/estate.ts";
import { useAfter } from "./use.ts";

const { useWindowMs, useWindows, idlePerMille } = limits;
const rig = new ContainerRig();
after(() => rig.close());

/** CPU time of the one that works, after which an hour is over: a busy machine makes hours longer, and nobody idle. */
const hourCpuMs = 20;
/** So often its CPU time is told: in an hour it uses a tenth of two processors. */
const pace = (0.1 * 2 * useWindowMs) / hourCpuMs;

/** A container whose CPU time is told as if what it does in a while of the test took an hour. */
class Watched {
  readonly name: string;
  readonly #order: ReturnType<ContainerRig["order"]>;
  #running!: RunningInstance;

  constructor(name: string, script: string) {
    this.name = name;
    this.#order = rig.order(["sh", "-c", script], { instance: name });
  }

  async start(): Promise<void> {
    this.#running = await rig.start(this.#order);
  }

  async findAgain(): Promise<void> {
    const found = await rig.driver.find(rig.folderOf(this.#order), this.#order);
    assert.ok(found);
    this.#running = found;
  }

  get cpuMs(): number {
    return this.#running.use()!.cpuMs;
  }

  report(): InstanceReport {
    const { startedAt } = this.#running;
    const { cpuMs, memoryBytes } = this.#running.use()!;
    const use = { cpuMs: cpuMs * pace, memoryBytes };
    return { instance: this.name, fence: 1, state: "running", reboots: 0, startedAt, use };
  }

  stop(): Promise<void> {
    return this.#running.stop(0);
  }
}

test("of two containers, the one that sleeps is idle after a day and the one that works is not, though agent and cloud were killed meanwhile", async () => {
  const estate = await Estate.make([[]]);
  const sleeps = new Watched("i-1", "while :; do sleep 1000; done");
  const works = new Watched("i-2", "while :; do sleep 0.01; seq 30000 | wc -l; done");
  const both = [sleeps, works];
  let [now, idleAfter] = [0, 0];
  const idle = () =>
    savingsOf(estate.space, { project: "p", now })
      .filter(({ rule }) => rule === "idle-instance")
      .map(({ subject }) => subject);
  for (const { name } of both) estate.launch(name, "m0", { kind: "container" });
  await Promise.all(both.map((one) => one.start()));
  // What beginning took is over before long.
  for (let hour = 0; hour < 10 * useWindows && idle().length === 0; hour++) {
    for (const endCpuMs = works.cpuMs + hourCpuMs; works.cpuMs < endCpuMs;) await wait(5);
    now += useWindowMs;
    const instances = both.map((one) => one.report());
    const { space } = estate;
    const reports = { instances, volumes: [], snapshots: [], gone: [] };
    space.commit((tx) => fold(tx, space, { machine: "m0", reports, now }));
    if (hour === useWindows / 2) {
      await Promise.all([space.durable(), estate.clock.advance(1000)]);
      rig.begin();
      for (const one of both) await one.findAgain();
      estate.hosting.stop();
      estate.recovery.stop();
      await estate.begin();
    }
    idleAfter = hour;
  }
  assert.deepEqual(idle(), [sleeps.name]);
  assert.ok(idleAfter >= useWindows);
  const { perMille } = estate.instance(works.name).status.use!;
  assert.equal(perMille.length, useWindows);
  await Promise.all(both.map((one) => one.stop()));
});

test("what is not on demand, may not be stopped, is to be kept, or of which nothing is told any more is not said to be idle", async () => {
  const estate = await Estate.make([[]]);
  const { space } = estate;
  estate.launch("i-1", "m0");
  const launched = estate.instance();
  const use = { startedAt: 1, at: 0, cpuMs: 5, perMille: Array<number>(useWindows).fill(4) };
  const rules = (
    spec: Partial<typeof launched.spec> = {},
    { now = 0, ...status }: { now?: number } & Partial<typeof launched.status> = {},
  ) => {
    const running = { ...launched.status, state: "running" as const, startedAt: 1, use };
    space.commit((tx) =>
      tx.put<"instance">({
        ...launched,
        spec: { ...launched.spec, ...spec },
        status: { ...running, ...status },
      }),
    );
    return savingsOf(space, { project: "p", now }).map(({ rule }) => rule);
  };
  const [found] = (rules(), savingsOf(space, { project: "p", now: 0 }));
  assert.deepEqual([found!.subject, found!.rule], ["i-1", "idle-instance"]);
  assert.match(
    found!.sentence,
    /less than 2 % of its processors in each hour for 24 hours, 0\.4 % at most: while it is stopped it costs 0\.\d+ an hour less/,
  );
  const market = {
    type: "spot",
    request: "sir-1",
    maxMicrosPerHour: 1,
    onInterruption: "stop",
  } as const;
  const busyOnce = { ...use, perMille: [...use.perMille.slice(1), idlePerMille] };
  const short = { ...use, perMille: use.perMille.slice(1) };
  assert.deepEqual(
    [
      rules({ market }),
      rules({ isStopProtected: true }),
      rules({ tags: { "canopy:keep": "" } }),
      rules({}, { now: 2 * useWindowMs + 1 }),
      rules({}, { use: busyOnce }),
      rules({}, { use: short }),
      rules({}, { startedAt: 2 }),
      rules({}, { state: "stopping" }),
    ],
    Array<never[]>(8).fill([]),
  );
});

const said = fc.record({
  afterMs: fc.oneof(
    { weight: 60, arbitrary: fc.integer({ min: useWindowMs / 4, max: useWindowMs }) },
    { weight: 1, arbitrary: fc.integer({ min: -useWindowMs, max: 4 * useWindowMs }) },
  ),
  /** Of the time since the last word. */
  perMille: fc.oneof({ weight: 60, arbitrary: fc.nat(15) }, { weight: 1, arbitrary: fc.nat(1000) }),
  what: fc.oneof(
    { weight: 120, arbitrary: fc.constant("goes on") },
    fc.constantFrom("starts anew", "is another process"),
  ),
});

test("one window is written at most once, and idle is only what used less than the limit of each hour that is known", () => {
  const vcpus = 2;
  let idleRuns = 0;
  fc.assert(
    fc.property(fc.array(said, { minLength: 80, maxLength: 160 }), (words) => {
      let use: InstanceUse | undefined;
      let [now, startedAt, cpuMs] = [0, 1, 0];
      /** What is true: of this run, without gaps, when and what it had used. */
      let seen: { at: number; cpuMs: number }[] = [];
      for (const { afterMs, perMille, what } of words) {
        const passedMs = Math.max(0, afterMs);
        now += afterMs;
        cpuMs += (passedMs * vcpus * perMille) / 1000;
        if (what === "starts anew") [startedAt, cpuMs] = [startedAt + 1, 0];
        if (what === "is another process") cpuMs = 0;
        if (what !== "goes on" || afterMs < 0) seen = [];
        seen.push({ at: now, cpuMs });
        const before = use;
        use = useAfter(use, { startedAt, cpuMs, vcpus, now });
        if (use === before) continue;
        assert.equal(use.at, now);
        if (before && now - before.at > 2 * useWindowMs) assert.deepEqual(use.perMille, []);
        assert.ok(use.perMille.length <= useWindows);
        if (use.perMille.length > 0) assert.ok(now - before!.at >= useWindowMs);
        if (use.perMille.length < useWindows || Math.max(...use.perMille) >= idlePerMille) continue;
        idleRuns++;
        const since = seen.find(({ at }) => at >= now - useWindows * useWindowMs)!;
        // It may have begun in the midst of a window.
        const ms = now - since.at + 2 * useWindowMs;
        assert.ok(cpuMs - since.cpuMs <= (ms * vcpus * idlePerMille) / 1000);
      }
    }),
    { numRuns: 300 },
  );
  assert.ok(idleRuns > 0, "never was it idle: nothing was tried");
});
