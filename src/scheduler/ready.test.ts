import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { limits } from "#/base/limits.ts";
import { ReadyTasks } from "./ready.ts";

const bytes = limits.movedBytesPerSecond; // moved in a second

describe("ReadyTasks", () => {
  test("looks once at those who are waited for, until one of them changes or has been waited for long enough", () => {
    const ready = new ReadyTasks();
    for (let index = 0; index < 500; index++) ready.push(index, { machine: `m${index}`, bytes }, 0);
    let asked = 0;
    let gone = "";
    const takes = (machine: string) => {
      asked++;
      return machine !== gone;
    };
    const has = (nowMs: number, changes: number) =>
      ready.hasFor("other", nowMs, { changes, takes });
    for (let nowMs = 0; nowMs < 1000; nowMs++) assert.equal(has(nowMs, 1), false);
    assert.equal(asked, 500);
    gone = "m499";
    assert.equal(has(999, 2), true);
    gone = "";
    assert.equal(has(999, 3), false);
    assert.equal(has(1000, 3), true);
  });

  test("gives a machine what it would if it looked each time", () => {
    const event = fc.record({
      what: fc.constantFrom("push", "next", "pass", "change"),
      machine: fc.integer({ min: 0, max: 3 }),
      seconds: fc.integer({ min: 1, max: 4 }),
    });
    fc.assert(
      fc.property(fc.array(event, { maxLength: 60 }), (events) => {
        const [cached, fresh] = [new ReadyTasks(), new ReadyTasks()];
        const closed = new Set<string>();
        const takes = (machine: string) => !closed.has(machine);
        let [nowMs, changes, looks, index] = [0, 0, 0, 0];
        for (const { what, machine, seconds } of events) {
          const name = `m${machine}`;
          if (what === "push") {
            const home = { machine: name, bytes: bytes * seconds };
            for (const one of [cached, fresh]) one.push(index, home, nowMs);
            index++;
          } else if (what === "pass") nowMs += 500 * seconds;
          else if (what === "change") {
            if (!closed.delete(name)) closed.add(name);
            changes++;
          } else
            assert.deepEqual(
              cached.next(name, nowMs, { changes, takes }),
              fresh.next(name, nowMs, { changes: --looks, takes }),
            );
        }
      }),
    );
  });
});
