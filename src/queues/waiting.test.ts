import assert from "node:assert/strict";
import { test } from "node:test";
import type { MessageRecord } from "#/model/queue.ts";
import { Waiting } from "./waiting.ts";

test("over() tells what is too old, and looks at no message while none can be", () => {
  const waiting = new Waiting(false);
  let looks = 0;
  for (let at = 1; at <= 10; at++) {
    const spec = { id: `${at}`, body: "b", sentAt: at, senderId: "s" };
    const record = {
      kind: "message",
      project: "p",
      name: `q/${at}`,
      get spec() {
        looks++;
        return spec;
      },
      status: { visibleAt: 0, receives: 0 },
    };
    waiting.put(record as unknown as MessageRecord, 100);
  }
  looks = 0;
  assert.deepEqual([...waiting.over(0, 0, 100)], []);
  assert.equal(looks, 0);
  assert.deepEqual([...waiting.over(3, 0, 2)], ["q/1", "q/2"]);
  for (const name of waiting.over(3, 0, 100)) waiting.remove(waiting.get(name)!);
  assert.equal(waiting.size, 7);
  looks = 0;
  assert.deepEqual([...waiting.over(3, 0, 100)], []);
  assert.equal(looks, 0);
  assert.deepEqual([...waiting.over(4, 0, 100)], ["q/4"]);
});
