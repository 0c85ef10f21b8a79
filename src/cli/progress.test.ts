import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { CountsView, JobDetail, KindView, UsageView } from "#/model/views.ts";
import { ManualClock } from "#/base/manual-clock.ts";
import { picture, plainLine, type Progress } from "./progress.ts";
import { fitted, padded, tableText, widthOf } from "./table.ts";
import { column } from "./result.ts";
import { tellerOf } from "./teller.ts";
import { selectFields } from "./fields.ts";
import { sweepOf } from "./run/sweep.ts";

const usage: UsageView = {
  attempts: 1,
  wallMs: 10,
  cpuMs: 5,
  memoryByteSeconds: 0,
  memoryPeakBytes: 1e6,
  readBytes: 0,
  writtenBytes: 0,
  costMicros: 12,
  energyJoules: 1,
  measuredJoules: 0,
};
const none: CountsView = {
  total: 0,
  offered: 0,
  waiting: 0,
  running: 0,
  succeeded: 0,
  failed: 0,
  cancelled: 0,
  reused: 0,
  retried: 0,
  lost: 0,
};

function kind(title: string, counts: Partial<CountsView>): KindView {
  return { title, steps: 1, phases: { running: 1 }, tasks: { ...none, ...counts }, usage };
}

function progress(kinds: KindView[], more: Partial<JobDetail> = {}): Progress {
  const job = {
    id: "j1",
    project: "p",
    title: "t",
    phase: "running",
    open: false,
    priority: 0,
    onFailure: "stop",
    submittedBy: "me",
    submittedAt: "2030-01-01T00:00:00Z",
    steps: 1,
    kinds,
    tasks: none,
    usage,
    waits: [],
    ...more,
  } as JobDetail;
  return { job, elapsedMs: 12_000, currency: "USD", trouble: undefined };
}

const output = (columns: number, isTty = true) => {
  const written: string[] = [];
  return {
    written,
    write: (text: string) => void written.push(text),
    isTty,
    columns,
    rows: 20,
    paint: (_: unknown, text: string) => text,
  };
};

test("picture() never is wider than the terminal, and its bars never longer than their place", () => {
  const counts = fc.record({
    total: fc.option(fc.nat(1e6), { nil: undefined }),
    offered: fc.nat(1e6),
    succeeded: fc.nat(1e6),
    running: fc.nat(1000),
    failed: fc.nat(1000),
    cancelled: fc.nat(10),
  });
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.string({ unit: "grapheme" }), counts), { maxLength: 30 }),
      fc.integer({ min: 60, max: 200 }),
      (kinds, columns) => {
        for (const line of picture(
          progress(kinds.map(([title, tasks]) => kind(title, tasks))),
          output(columns),
        )) {
          const bar = /[█▓░]+/.exec(line)?.[0] ?? "";
          assert.ok(bar.length <= 30 && widthOf(line) < columns, line);
        }
      },
    ),
  );
});

test("picture() and plainLine() tell counts, troubles, the ETA range and what is waited for", () => {
  const kinds = [
    kind("sort", { total: 100, offered: 100, succeeded: 61, running: 2, failed: 1, retried: 3 }),
    { ...kind("merge", {}), phases: { blocked: 1 } },
  ];
  const told = progress(kinds, {
    eta: { lowMs: 8000, likelyMs: 10_000, highMs: 20_000 },
    waits: [{ sentence: "No machine has a GPU.", advice: "canopy join" }],
  });
  const text = picture(told, output(100)).join("\n");
  assert.match(text, /sort +█+▓+░+ +62\/100 {2}62% {2}2 running {2}1 failed {2}3 tried again/);
  assert.match(text, /merge +░+ +comes later/);
  assert.match(text, /j1 running · 12s · ends in 8\.0s to 20s · .*0\.000012 USD/);
  assert.match(text, /waits: No machine has a GPU\.\n +canopy join/);
  assert.equal(
    plainLine(told),
    "j1 running 12s; sort 62/100 2 running 1 failed 3 tried again, merge 0/0; ends in 8.0s to 20s; waits: No machine has a GPU.",
  );
});

test("a screen of many kinds shows those under way and counts the rest", () => {
  const kinds = Array.from({ length: 40 }, (_, at) =>
    kind(`kind-${at}`, {
      total: 1,
      offered: 1,
      succeeded: at === 37 ? 0 : 1,
      running: at === 37 ? 1 : 0,
    }),
  );
  const lines = picture(progress(kinds), output(100));
  assert.equal(lines.length, 14);
  assert.ok(lines.some((line) => line.includes("kind-37")));
  assert.ok(lines.includes("  and 28 more kinds of tasks"));
});

test("a pipe gets a line when something changed, and at most one in ten seconds", async () => {
  const clock = new ManualClock();
  const out = output(80, false);
  const teller = tellerOf("plain", out, clock);
  for (let second = 0; second < 30; second++) {
    teller.tell(progress([kind("sort", { total: 100, offered: 100, succeeded: second })]));
    await clock.advance(1000);
  }
  assert.equal(out.written.length, 3);
  for (let second = 0; second < 30; second++) {
    teller.tell(progress([kind("sort", { total: 100, offered: 100, succeeded: 29 })]));
    await clock.advance(1000);
  }
  assert.equal(out.written.length, 4);
});

test("widths count what a terminal shows: wide letters twice, marks and colours not at all", () => {
  assert.equal(widthOf("abc"), 3);
  assert.equal(widthOf("日本"), 4);
  assert.equal(widthOf("e\u0301"), 1);
  assert.equal(widthOf("\u001b[31mred\u001b[39m"), 3);
  assert.equal(fitted("abcdef", 4), "abc…");
  assert.equal(padded("日", 4), "日  ");
  const rows = [{ title: "a\u001b[2Jb\nc\u0007" }];
  assert.equal(
    tableText(rows, [column<{ title: string }>("title", ({ title }) => title)], output(80)),
    "TITLE\nab c\n",
  );
});

test("tableText() cuts flexible columns where the terminal is narrow, and nothing in a pipe", () => {
  const rows = [{ name: "j1", title: "a very long title that does not fit" }];
  const columns = [
    column<(typeof rows)[0]>("job", ({ name }) => name),
    column<(typeof rows)[0]>("title", ({ title }) => title, { flexible: true }),
  ];
  assert.equal(tableText(rows, columns, output(20)), "JOB  TITLE\nj1   a very long ti…\n");
  assert.equal(
    tableText(rows, columns, output(20, false)),
    "j1\ta very long title that does not fit\n",
  );
});

test("selectFields() picks fields, those below others too, and knows a mistake from an absent one", () => {
  const rows = [{ id: "a", tasks: { failed: 1 } }, { id: "b" }];
  assert.deepEqual(selectFields(rows, "id,tasks.failed,reason"), [
    { id: "a", "tasks.failed": 1, reason: null },
    { id: "b", "tasks.failed": null, reason: null },
  ]);
  assert.deepEqual(selectFields({ id: "a" }, "*"), { id: "a" });
  assert.throws(() => selectFields(rows, "idd"), /there are id, tasks/);
});

test("sweepOf() reads ranges and lists, and refuses what is neither", () => {
  assert.deepEqual(sweepOf(["n=1..10", "rate=0..1..0.25", "method=euler,heun", "deep=true,2"]), {
    n: { from: 1, to: 10 },
    rate: { from: 0, to: 1, by: 0.25 },
    method: ["euler", "heun"],
    deep: [true, 2],
  });
  for (const wrong of ["n=1..x", "n=1..", "n=1..10..-1", "n", "n=", "=1", "n=5..1", "n=1..2..0"])
    assert.throws(() => sweepOf([wrong]), { code: "invalid" }, wrong);
});
