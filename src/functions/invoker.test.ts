import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import { limits } from "#/base/limits.ts";
import { silent } from "#/base/log.ts";
import { ManualClock } from "#/base/manual-clock.ts";
import { nodeRandom } from "#/base/node/random.ts";
import { reactions } from "#/base/reactions.ts";
import type { FunctionOrder } from "#/model/function-wire.ts";
import { MemoryLog } from "#/space/logs/memory.ts";
import { Space } from "#/space/space.ts";
import { Invoker } from "./invoker.ts";
import type { FunctionSession } from "./session.ts";
import { targetOf } from "./target.ts";
import { functionOf } from "./testing/function-of.ts";

const MiB = 1024 * 1024;
const abilities = { interpreters: ["node" as const], missing: [] };
const usage = { durationMs: 1, cpuMs: 1, memoryPeakBytes: 1 };

/** A machine that does as a test tells it to. */
class Machine {
  readonly name: string;
  readonly orders: FunctionOrder[] = [];
  readonly session: FunctionSession;
  freeBytes: number;
  #answers = 0;

  constructor(name: string, freeMb: number) {
    this.name = name;
    this.freeBytes = freeMb * MiB;
    machines.push(this);
    this.session = invoker.connect(name, abilities, {
      order: (order) => void this.orders.push(order),
    });
  }

  started(): string[] {
    return this.orders.flatMap((order) => (order.do === "start" ? [order.environment] : []));
  }

  given(): { environment: string; requestId: string }[] {
    return this.orders.flatMap((order) =>
      order.do === "invoke"
        ? [{ environment: order.environment, requestId: order.call.requestId }]
        : [],
    );
  }

  ready(environment: string): void {
    this.session.reported({ is: "ready", environment, initMs: 20 });
  }

  /** Answers the calls that it was given and has not answered, in their order. */
  answer(): void {
    for (const { environment, requestId } of this.given().slice(this.#answers)) {
      this.#answers++;
      const answer = { payload: `"${requestId}"`, usage: { ...usage } };
      this.session.reported({ is: "answered", environment, requestId, answer });
    }
  }
}

let machines: Machine[];
let held: Map<string, number>;
let clock: ManualClock;
let space: Space;
let invoker: Invoker;

beforeEach(async () => {
  machines = [];
  held = new Map();
  clock = new ManualClock();
  space = await Space.open({ log: new MemoryLog(), clock, report: silent, onBroken() {} });
  const field = {
    machines: () =>
      machines.map(({ name, freeBytes }) => ({
        machine: name,
        connected: true,
        free: { milliCpus: 0, memoryBytes: freeBytes - (held.get(name) ?? 0) },
      })),
    hold(machine: string, { memoryBytes }: { memoryBytes: number }) {
      held.set(machine, (held.get(machine) ?? 0) + memoryBytes);
      return () => void held.set(machine, held.get(machine)! - memoryBytes);
    },
  };
  const brief = () => ({}) as never;
  invoker = new Invoker({ space, field, clock, random: nodeRandom, log: silent, brief });
  invoker.start();
});

function define(...asked: Parameters<typeof functionOf>): void {
  space.commit((tx) => tx.put<"function">(functionOf(...asked)));
}

function call(title: string, requestId: string) {
  const record = space.get("function", `p:${title}`)!;
  const target = targetOf({ space, random: nodeRandom, region: "r" }, record, undefined)!;
  return invoker.invoke(target, { requestId, payload: "{}" });
}

describe("Invoker", () => {
  it("makes an environment for a call, and gives the next one to the same", async () => {
    define("one");
    const machine = new Machine("m1", 1000);
    const first = call("one", "a");
    machine.ready(machine.started()[0]!);
    machine.answer();
    assert.deepEqual(await first, {
      payload: '"a"',
      usage: { ...usage, initMs: 20 },
      tail: undefined,
    });
    const second = call("one", "b");
    machine.answer();
    assert.equal((await second).usage.initMs, undefined);
    assert.equal(machine.started().length, 1);
  });

  it("makes one for each call that waits, and a call takes whichever rests first", async () => {
    define("one");
    const machine = new Machine("m1", 1000);
    const calls = [call("one", "a"), call("one", "b")];
    assert.equal(machine.started().length, 2);
    machine.ready(machine.started()[1]!);
    machine.answer();
    machine.answer();
    assert.deepEqual(
      (await Promise.all(calls)).map(({ payload }) => payload),
      ['"a"', '"b"'],
    );
  });

  it("places where most memory is free, and ends what rests when there is no room", async () => {
    define("one");
    define("two");
    const small = new Machine("m1", 100);
    const machine = new Machine("m2", 150);
    const first = call("one", "a");
    machine.ready(machine.started()[0]!);
    machine.answer();
    await first;
    const second = call("two", "b");
    assert.deepEqual(
      machine.orders.map((order) => order.do),
      ["start", "invoke", "end", "start"],
    );
    machine.ready(machine.started()[1]!);
    machine.answer();
    await second;
    assert.deepEqual(small.orders, []);
  });

  it("ends nothing that rests for what no machine could run", async () => {
    define("one");
    define("large", {}, { memoryMb: 2000 });
    define("python", {}, { runtime: "python3.12" });
    const machine = new Machine("m1", 1000);
    const first = call("one", "a");
    machine.ready(machine.started()[0]!);
    machine.answer();
    await first;
    const refused = ["large", "python"].map((title) =>
      assert.rejects(call(title, title), { awsCode: "ServiceException" }),
    );
    await clock.advance(limits.functionPlaceMs + limits.environmentLookMs);
    await Promise.all(refused);
    assert.ok(machine.orders.every((order) => order.do !== "end"));
  });

  it("gives nothing more to a machine that is cordoned", async () => {
    define("one");
    const machine = new Machine("m1", 1000);
    const first = call("one", "a");
    machine.ready(machine.started()[0]!);
    machine.answer();
    await first;
    space.commit((tx) =>
      tx.put<"machine">({
        kind: "machine",
        project: "",
        name: "m1",
        spec: { cordoned: true } as never,
        status: {} as never,
      }),
    );
    await clock.advance(limits.environmentLookMs);
    assert.equal(machine.orders.at(-1)!.do, "end");
    const refused = assert.rejects(call("one", "b"), /m1 gets nothing new/);
    await clock.advance(limits.functionPlaceMs + limits.environmentLookMs);
    await refused;
    assert.equal(machine.started().length, 1);
  });

  it("gives up a call whose machine was lost while it made its environment", async () => {
    define("one");
    const lost = new Machine("m1", 1000);
    const refused = assert.rejects(call("one", "a"), /no machine that runs functions/);
    await clock.advance(limits.functionPlaceMs);
    machines = [];
    lost.session.close();
    await clock.advance(2 * limits.environmentLookMs);
    await refused;
  });

  it("says why there is no room when a call has waited for it", async () => {
    define("one");
    new Machine("m1", 100);
    const refused = assert.rejects(call("one", "a"), {
      awsCode: "ServiceException",
      message: /no machine with room for an environment of one: m1 has 100 MB free/,
    });
    await clock.advance(limits.functionPlaceMs);
    await refused;
  });

  it("runs a call that waited for room when a machine comes", async () => {
    define("one");
    const waiting = call("one", "a");
    await clock.advance(limits.functionPlaceMs / 2);
    const machine = new Machine("m1", 1000);
    await clock.advance(limits.environmentLookMs);
    machine.ready(machine.started()[0]!);
    machine.answer();
    assert.equal((await waiting).payload, '"a"');
  });

  it("refuses what is more than was reserved, and leaves others the rest", async () => {
    define("one", { reservedConcurrency: 1 });
    define("two");
    const machine = new Machine("m1", 1000);
    const first = call("one", "a");
    await assert.rejects(call("one", "b"), {
      status: 429,
      fields: { Reason: "ReservedFunctionConcurrentInvocationLimitExceeded" },
    });
    void call("two", "c").catch(() => {});
    machine.ready(machine.started()[0]!);
    machine.answer();
    await first;
    void call("one", "d").catch(() => {});
    await reactions();
    assert.equal(machine.given().at(-1)?.requestId, "d");
  });

  it("tells the first call what its code did wrong while it was loaded", async () => {
    define("one");
    const machine = new Machine("m1", 1000);
    const first = call("one", "a");
    const error = { errorType: "Runtime.ImportModuleError", errorMessage: "no" };
    machine.session.reported({ is: "ended", environment: machine.started()[0]!, error });
    const answer = await first;
    assert.equal(answer.error, "Unhandled");
    assert.deepEqual(JSON.parse(answer.payload), error);
    assert.equal(held.get("m1"), 0);
  });

  it("starts elsewhere what a machine could not start, and gives up after a few", async () => {
    define("one");
    const machine = new Machine("m1", 1000);
    const refused = assert.rejects(call("one", "a"), /could not start it/);
    for (let start = 0; start < limits.environmentStartsMax; start++)
      machine.session.reported({ is: "ended", environment: machine.started()[start]! });
    await refused;
    assert.equal(machine.started().length, limits.environmentStartsMax);
  });

  it("tells callers of a machine that is lost, and asks nothing of it any more", async () => {
    define("one");
    const lost = new Machine("m1", 1000);
    const first = call("one", "a");
    lost.ready(lost.started()[0]!);
    const refused = assert.rejects(first, { awsCode: "ServiceException" });
    machines = [];
    lost.session.close();
    await refused;
    const machine = new Machine("m2", 1000);
    const second = call("one", "b");
    machine.ready(machine.started()[0]!);
    machine.answer();
    assert.equal((await second).payload, '"b"');
  });

  it("ends what rests for long, and at once what was configured anew", async () => {
    define("one");
    define("two");
    const machine = new Machine("m1", 1000);
    const calls = [call("one", "a"), call("two", "b")];
    for (const environment of machine.started()) machine.ready(environment);
    machine.answer();
    await Promise.all(calls);
    define("two", {}, { revisionId: "r2" });
    await clock.advance(limits.environmentLookMs);
    const ended = () =>
      machine.orders.flatMap((order) => (order.do === "end" ? [order.environment] : []));
    assert.deepEqual(ended(), [machine.started()[1]]);
    await clock.advance(limits.environmentIdleMs + limits.environmentLookMs);
    assert.deepEqual(ended(), machine.started().toReversed());
    assert.equal(held.get("m1"), 0);
  });
});
