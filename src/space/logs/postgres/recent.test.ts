import assert from "node:assert/strict";
import { test } from "node:test";
import { limits } from "#/base/limits.ts";
import type { AnyRecord, Change } from "#/model/record.ts";
import { Recent } from "./recent.ts";

const change = (op: Change["op"], index: number): Change => ({
  op,
  record: { kind: "task", name: `j1/0/${index}`, serial: index } as AnyRecord,
});

test("Recent keeps what was archived last, up to so many bytes, and nothing that came back", () => {
  const recent = new Recent();
  const large = "x".repeat(limits.recentlyEndedBytesMax / 4);
  for (let index = 0; index < 6; index++) recent.note([change("archive", index)], [large]);
  const kept = () => [0, 1, 2, 3, 4, 5].filter((index) => recent.get("task", `j1/0/${index}`));
  assert.deepEqual(kept(), [2, 3, 4, 5]);
  recent.note([change("restore", 3), change("delete", 4)], [large, large]);
  assert.deepEqual(kept(), [2, 5]);
  recent.note([change("archive", 3), change("restore", 3), change("archive", 2)], ["", "", large]);
  assert.deepEqual(kept(), [2, 5]);
  recent.clear();
  assert.deepEqual(kept(), []);
});
