import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import { limits } from "#/base/limits.ts";
import { silent } from "#/base/log.ts";
import { ManualClock } from "#/base/manual-clock.ts";
import { nodeRandom as random } from "#/base/node/random.ts";
import { AwsError } from "#/model/aws-error.ts";
import type { FunctionRecord, FunctionSpec } from "#/model/function.ts";
import { MemoryLog } from "#/space/logs/memory.ts";
import { Space } from "#/space/space.ts";
import { FunctionEvents } from "./events.ts";
import type { CallAnswer, CallAsked } from "./invoker.ts";
import { functionOf } from "./testing/function-of.ts";

const usage = { durationMs: 1, cpuMs: 1, memoryPeakBytes: 1 };
const fine: CallAnswer = { payload: '"done"', usage, tail: undefined };
const wrong: CallAnswer = { ...fine, payload: '{"errorMessage":"no"}', error: "Unhandled" };

let disk: MemoryLog;
let clock: ManualClock;
let space: Space;
let events: FunctionEvents;
let calls: CallAsked[];
let answerOf: (call: CallAsked) => Promise<CallAnswer>;

beforeEach(async () => {
  disk = new MemoryLog();
  clock = new ManualClock();
  answerOf = () => Promise.resolve(fine);
  calls = [];
  await open();
});

async function open(): Promise<void> {
  space = await Space.open({
    log: disk,
    clock,
    report: silent,
    onBroken: (thrown) => assert.fail(String(thrown)),
  });
  const invoker = {
    invoke(_target: unknown, call: CallAsked) {
      calls.push(call);
      return answerOf(call);
    },
  };
  events = new FunctionEvents({ space, invoker, clock, random, log: silent, region: "r" });
  events.start();
}

function define(title: string, more: Partial<FunctionSpec> = {}): FunctionRecord {
  return space.commit((tx) => tx.put<"function">(functionOf(title, more))).value;
}

const accept = (record: FunctionRecord, id: string) =>
  events.accept(record, { id, payload: `"${id}"`, at: clock.now() });
const told = () =>
  [...space.all("notice")].map(({ spec: { to, body } }) => [to, JSON.parse(body)] as const);
const ids = () => calls.map(({ requestId }) => requestId);

describe("FunctionEvents", () => {
  it("runs on each event once, and forgets it", async () => {
    const record = define("one");
    accept(record, "a");
    accept(record, "a");
    accept(record, "b");
    await clock.advance(10);
    assert.deepEqual(ids().sort(), ["a", "b"]);
    assert.equal(space.count("function-event", record.name), 0);
  });

  it("runs on it twice more when it fails, later each time, and tells who is to know of it", async () => {
    answerOf = () => Promise.resolve(wrong);
    const record = define("one", {
      events: { "": { onFailure: "arn:aws:sqs:r:1:dead", changedAt: 0 } },
    });
    accept(record, "a");
    await clock.advance(10);
    assert.equal(calls.length, 1);
    await clock.advance(limits.functionEventRetryMs + limits.functionEventsLookMs);
    assert.equal(calls.length, 2);
    await clock.advance(limits.functionEventRetryMs);
    assert.equal(calls.length, 2);
    await clock.advance(limits.functionEventRetryMs + limits.functionEventsLookMs);
    assert.equal(calls.length, 3);
    const [[to, body]] = told() as [[string, Record<string, unknown>]];
    assert.equal(to, "arn:aws:sqs:r:1:dead");
    assert.deepEqual(body["requestContext"], {
      requestId: "a",
      functionArn: "arn:aws:lambda:r:1:function:one:$LATEST",
      condition: "RetriesExhausted",
      approximateInvokeCount: 3,
    });
    assert.deepEqual(body["responsePayload"], { errorMessage: "no" });
    assert.equal(space.count("function-event", record.name), 0);
  });

  it("waits with what cannot be run now, and gives up what is too old", async () => {
    answerOf = () =>
      Promise.reject(new AwsError("TooManyRequestsException", 429, "Rate Exceeded."));
    const record = define("one", {
      events: { "": { ageSecondsMax: 60, onFailure: "arn:aws:sqs:r:1:dead", changedAt: 0 } },
    });
    accept(record, "a");
    await clock.advance(61_000);
    assert.ok(calls.length > 4);
    const [[, body]] = told() as [[string, { requestContext: { condition: string } }]];
    assert.equal(body.requestContext.condition, "EventAgeExceeded");
  });

  it("keeps what has no place in memory on disk, runs the oldest first, and loses none over a restart", async () => {
    const record = define("one");
    const count = 3 * limits.functionEventsHeldMax;
    const gate = Promise.withResolvers<CallAnswer>();
    answerOf = () => gate.promise;
    for (let number = 0; number < count; number++) {
      accept(record, `e${number}`);
      if (number % 10 === 0) await clock.advance(1);
    }
    assert.equal(space.count("function-event", record.name), limits.functionEventsHeldMax);
    void space.close();
    await clock.advance(100);
    events.stop();
    calls = [];
    answerOf = () => Promise.resolve(fine);
    await open();
    for (let turn = 0; turn < 1000 && calls.length < count; turn++)
      await clock.advance(limits.functionEventsLookMs);
    assert.equal(new Set(ids()).size, count);
    assert.equal(calls.length, count);
    assert.deepEqual(await space.archived("function-event", { limit: 10 }), []);
    assert.ok(ids().indexOf("e2999") > ids().indexOf("e1500"));
  });

  it("drops what waits in the log for functions that were gone when it started", async () => {
    answerOf = () => new Promise(() => {});
    const records = [define("one"), define("two")];
    for (const record of records)
      for (let number = 0; number < limits.functionEventsHeldMax + 100; number++)
        accept(record, `e${number}`);
    await clock.advance(1);
    assert.equal((await space.archived("function-event", { limit: 500 })).length, 200);
    space.commit((tx) => records.forEach(({ name }) => tx.delete("function", name)));
    void space.close();
    await clock.advance(100);
    events.stop();
    await open();
    await clock.advance(limits.functionEventsLookMs * 5);
    assert.deepEqual(await space.archived("function-event", { limit: 1 }), []);
    assert.deepEqual([...space.all("function-event")], []);
  });

  it("drops what was for a function that is gone, also when there is one of its name again", async () => {
    const record = define("one");
    answerOf = () => Promise.reject(new AwsError("ServiceException", 500, "no room"));
    accept(record, "a");
    await clock.advance(10);
    space.commit((tx) => tx.delete("function", record.name));
    await clock.advance(1);
    define("one", { createdAt: clock.now() });
    answerOf = () => Promise.resolve(fine);
    calls = [];
    await clock.advance(limits.functionEventDelayMs * 4);
    assert.deepEqual(ids(), []);
    assert.equal(space.count("function-event", record.name), 0);
  });
});
