import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { limits } from "#/base/limits.ts";
import { ManualClock } from "#/base/manual-clock.ts";
import { usedNothing } from "#/drivers/outcomes.ts";
import type { TaskReport } from "#/model/wire.ts";
import { Reports } from "./reports.ts";

const reportOf = (fence: number, more: Partial<TaskReport> = {}): TaskReport => ({
  task: `j1/0/${fence}`,
  fence,
  usage: usedNothing(1),
  ...more,
});

function rigOf(owed = new Set<string>()) {
  return { owed, reports: new Reports(new ManualClock(), (key) => owed.has(key)) };
}

function takeAll(reports: Reports): number[][] {
  const messages: number[][] = [];
  for (let finish = reports.take(); finish; finish = reports.take())
    messages.push(finish.reports.map(({ fence }) => fence));
  return messages;
}

describe("Reports", () => {
  it("counts files and segments too when it bounds a message", () => {
    const { reports } = rigOf();
    const paths = Array.from({ length: 1000 }, (_, at) => [`${"deep/".repeat(100)}${at}`, "k"]);
    const outputs = Object.fromEntries(paths) as Record<string, string>;
    const shuffleBytes = Array.from({ length: 1000 }, () => 1_000_000);
    const lostTasks = Array.from({ length: 1000 }, (_, at) => `j1/0/${at}`.padEnd(200, "0"));
    const error = { reason: "shuffle-lost", message: "", lostTasks } as const;
    for (let fence = 1; fence <= 200; fence++)
      reports.add(reportOf(fence, { outputs, shuffleBytes, error }));
    let finish = reports.take();
    for (; finish; finish = reports.take())
      assert.ok(JSON.stringify(finish).length < limits.linkMessageBytesMax / 2);
  });

  it("says all that ended in a long absence in messages of a bounded size", () => {
    const { reports } = rigOf();
    const result = JSON.stringify("x".repeat(limits.inlineBytesMax - 2));
    for (let fence = 1; fence <= limits.heldTasksMax; fence++)
      reports.add(reportOf(fence, { result }));
    const messages = takeAll(reports);
    assert.ok(messages.length > 1);
    for (const message of messages)
      assert.ok((message.length - 1) * result.length < limits.finishBytesMax);
    assert.deepEqual(
      messages.flat(),
      Array.from({ length: limits.heldTasksMax }, (_, at) => at + 1),
    );
    assert.equal(reports.unacknowledged().length, messages.length);
  });

  it("holds back what names a blob that the cloud does not have", () => {
    const { owed, reports } = rigOf(new Set(["a", "b"]));
    reports.add(reportOf(1, { outputs: { x: "a", y: "b" } }));
    reports.add(reportOf(2, { resultBlob: "b" }));
    reports.add(reportOf(3, { resultBlob: "c" }));
    assert.deepEqual(takeAll(reports), [[3]]);
    assert.deepEqual(
      reports.waiting().map(({ fence }) => fence),
      [1, 2],
    );
    assert.equal(reports.claims().length, 3);
    owed.delete("b");
    reports.paid();
    assert.deepEqual(takeAll(reports), [[2]]);
    owed.delete("a");
    reports.paid();
    assert.deepEqual(takeAll(reports), [[1]]);
  });

  it("forgets what waits for its blobs when the cloud waits for it no more", () => {
    const { owed, reports } = rigOf(new Set(["a"]));
    reports.add(reportOf(1, { resultBlob: "a" }));
    reports.add(reportOf(2, { resultBlob: "a" }));
    reports.drop([
      ["j1/0/1", 1],
      ["j1/0/2", 1],
    ]);
    owed.clear();
    reports.paid();
    assert.deepEqual(takeAll(reports), [[2]]);
    assert.equal(reports.count, 1);
  });

  it("fails what names a blob that the cloud will never have", () => {
    const { reports } = rigOf(new Set(["a", "b"]));
    reports.add(reportOf(1, { outputs: { x: "a" } }));
    reports.add(reportOf(2, { resultBlob: "b" }));
    const error = { reason: "output-missing", message: "too large" } as const;
    reports.refused("a", error);
    assert.deepEqual(reports.take()!.reports, [reportOf(1, { error })]);
    assert.equal(reports.take(), undefined);
    assert.equal(reports.count, 2);
  });
});
