import assert from "node:assert/strict";
import { test } from "node:test";
import type { Look } from "./look.ts";
import { linesOf, pressed, topStart, type TopKey, type TopState } from "./state.ts";

const seen = {
  jobs: ["ant", "bee", "cat"].map((title, at) => ({
    id: `j${at}`,
    title,
    phase: at === 0 ? "succeeded" : "running",
  })),
  machines: [{ name: "m1", hostname: "host", site: "local" }],
} as unknown as Look;

/** What comes of keys, one after the other. */
function after(...keys: (string | Partial<TopKey>)[]): { state: TopState; act: unknown } {
  let last: { state: TopState; act: unknown } = { state: topStart, act: undefined };
  for (const key of keys)
    last = pressed(
      last.state,
      typeof key === "string" ? { input: key } : { input: "", ...key },
      seen,
    );
  return last;
}

test("keys move within the list, switch tabs, open and leave", () => {
  assert.equal(after("j", "j", "j", "j").state.selected, 2);
  assert.equal(after("j", { up: true }, "k").state.selected, 0);
  assert.equal(after("G").state.selected, 2);
  assert.equal(after({ tab: true }).state.tab, "machines");
  assert.equal(after("j", { return: true }).state.opened, "j1");
  assert.equal(after("j", { return: true }, { escape: true }).state.opened, undefined);
  assert.deepEqual(after("q").act, { type: "leave" });
});

test("a filter takes letters until Enter, and Escape clears it", () => {
  const { state } = after("/", "c", "a", "x", { backspace: true }, { return: true });
  assert.deepEqual(
    linesOf(state, seen).map((line) => "id" in line && line.id),
    ["j2"],
  );
  assert.equal(after("/", "q", { return: true }).act, undefined);
  assert.equal(after("/", "c", { escape: true }).state.filter, "");
});

test("only a running job is cancelled, and only after a yes", () => {
  assert.equal(after("c").state.asking, undefined);
  assert.equal(after("j", "c").state.asking, "j1");
  assert.deepEqual(after("j", "c", "y").act, { type: "cancel", job: "j1" });
  assert.equal(after("j", "c", "n").act, undefined);
});
