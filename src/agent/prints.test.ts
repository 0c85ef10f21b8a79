import assert from "node:assert/strict";
import { test } from "node:test";
import { limits } from "#/base/limits.ts";
import { ManualClock } from "#/base/manual-clock.ts";
import { Prints } from "./prints.ts";

test("Prints keeps order, fills messages to their limit, and says what it dropped", () => {
  const prints = new Prints(new ManualClock());
  const text = "x".repeat(10_000);
  const total = Math.ceil((limits.linkLogBytesMax / 10_000) * 1.5);
  for (let n = 0; n < total; n++) prints.add(`j1/0/${n}`, "stdout", text);
  const tasks: string[] = [];
  while (!prints.isEmpty) {
    const lines = prints.take();
    const bytes = lines.reduce((sum, line) => sum + line.text.length, 0);
    assert.ok(bytes <= limits.logMessageBytesMax + text.length);
    tasks.push(...lines.map(({ task }) => task));
  }
  assert.ok(tasks.length < total);
  assert.deepEqual(
    tasks,
    tasks.map((_, n) => `j1/0/${n}`),
  );
  prints.add("j1/0/0", "stdout", "later");
  const [note, later] = prints.take();
  assert.match(note!.text, new RegExp(`^${total - tasks.length} lines`));
  assert.equal(later!.text, "later");
});
