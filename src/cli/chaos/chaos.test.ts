import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { GameDayReport, HitView } from "#/model/chaos-views.ts";
import type { Output } from "../terminal.ts";
import { daysText, parseHours, parseTimes } from "./days.ts";
import { reportMarkdown } from "./report-markdown.ts";
import { reportText } from "./report-text.ts";
import { parseTargets } from "./targets.ts";

describe("parseHours() and parseTimes()", () => {
  test("read days, ranges of them, and none for every day", () => {
    assert.deepEqual(parseHours("mon-fri 09:00-17:00"), {
      days: [1, 2, 3, 4, 5],
      from: "09:00",
      to: "17:00",
    });
    assert.deepEqual(parseHours("22:00-04:00").days, [1, 2, 3, 4, 5, 6, 7]);
    assert.deepEqual(parseTimes("Sat,sunday 10:00,22:00"), {
      days: [6, 7],
      at: ["10:00", "22:00"],
    });
    assert.deepEqual(parseTimes("fri-mon 10:00").days, [5, 6, 7, 1]);
  });

  test("refuse what they cannot read, with an example", () => {
    const hours = { code: "invalid", hint: "Write it like: mon-fri 09:00-17:00" };
    assert.throws(() => parseHours("mon-fri nine to five"), { code: "invalid" });
    assert.throws(() => parseHours("mon-fri 9-17"), hours);
    assert.throws(() => parseTimes("someday 10:00"), { code: "invalid" });
    assert.throws(() => parseTimes("mon 10"), { code: "invalid" });
  });

  test("are told back by daysText()", () => {
    for (const text of ["mon-fri", "sat,sun", "wed", "tue-sun", "mon,wed,fri"])
      assert.equal(daysText(parseTimes(`${text} 10:00`).days), text);
    assert.equal(daysText([7, 1, 2, 3, 4, 5, 6]), "every day");
  });
});

describe("parseTargets()", () => {
  test("takes one or many of each, once", () => {
    assert.deepEqual(parseTargets("tasks,agent,Tasks"), ["task", "agent"]);
    assert.throws(() => parseTargets("disks"), { hint: "There are: tasks, agents, machines" });
  });
});

const hit: HitView = {
  number: 0,
  target: "agent",
  subject: "m1",
  machine: "m1",
  at: "2030-01-01T00:00:05.000Z",
  why: "one of 2 agents that the policy of 'p' lets be hit",
  phase: "healed",
  tasks: 3,
  noticedBy: "link",
  noticeMs: 12,
  releasedBy: "agent",
  releaseMs: 900,
  backMs: 900,
  healMs: 1400,
  lost: [],
  attemptsLost: 3,
  wastedCpuMs: 4200,
};

const reportOf = (more: Partial<GameDayReport> = {}): GameDayReport => ({
  id: "g1",
  project: "p|q",
  phase: "ended",
  startedBy: "root",
  startedAt: "2030-01-01T00:00:00.000Z",
  endedAt: "2030-01-01T00:01:02.000Z",
  forMs: 60_000,
  everyMs: 5_000,
  targets: ["task", "agent"],
  seed: 7,
  dryRun: false,
  reason: "its time was up",
  alarm: false,
  refusals: 0,
  restarts: 0,
  downMs: 0,
  hits: 1,
  totals: {
    hits: { task: 0, agent: 1, machine: 0 },
    missed: 0,
    open: 0,
    healed: 1,
    givenUp: 0,
    notice: { medianMs: 12, worstMs: 12 },
    heal: { medianMs: 1400, worstMs: 1400 },
    tasksLost: 0,
    attemptsLost: 3,
    wastedCpuMs: 4200,
  },
  hitList: [hit],
  ...more,
});

const output = (isTty: boolean): Output => ({
  write: () => {},
  isTty,
  columns: 120,
  rows: 30,
  paint: (_tone, text) => text,
});

describe("reportText()", () => {
  test("tells a person what was hit, what noticed, how long it took and what was lost", () => {
    const text = reportText(reportOf(), 0, output(true));
    assert.match(text, /^✓ game day g1 of p\|q\n/);
    assert.match(text, /hits +0 tasks, 1 agent; asked for one about every 5\.0s for 1m00s, seed 7/);
    assert.match(text, /lost +nothing; 3 attempts began again, at most 4\.2s of CPU for nothing/);
    assert.match(text, /control plane +up all the time/);
    assert.match(text, /NOTICED +GIVEN TO OTHERS +HEALED/);
    assert.match(text, /1 +\+5\.0s +agent +m1 +m1 +3 +12ms, link +900ms, agent +1\.4s +3 began/);
  });

  test("gives a pipe lines with tabs and nothing else", () => {
    const text = reportText(reportOf(), 0, output(false));
    assert.match(text, /^game day\tg1\nstate\tended\n/);
    assert.match(
      text,
      /\n1\t\+5\.0s\tagent\tm1\tm1\t3\t12ms, link\t900ms, agent\t1\.4s\t3 began again\n$/,
    );
  });

  test("says loudly what failed for good, and that it stopped by itself", () => {
    const { totals } = reportOf();
    const text = reportText(
      reportOf({ alarm: true, totals: { ...totals, tasksLost: 1 }, restarts: 2, downMs: 3000 }),
      0,
      output(true),
    );
    assert.match(text, /^✗ game day g1/);
    assert.match(text, /state +ended, stopped by itself/);
    assert.match(text, /lost +1 task failed for good/);
    assert.match(text, /control plane +started again 2 times, away for 3\.0s at most/);
  });
});

describe("reportMarkdown()", () => {
  test("is a heading, a list and a table whose rows have as many cells as its head", () => {
    const text = reportMarkdown(reportOf({ hitList: [{ ...hit, subject: "a|b*" }] }), 0);
    assert.match(text, /^# Game day g1 of p\\\|q, 2030-01-01\n/);
    assert.match(text, /- \*\*lost\*\*: nothing/);
    const rows = text.split("\n").filter((line) => line.startsWith("| "));
    const cells = rows.map((row) => row.split(/(?<!\\)\|/).length);
    assert.equal(rows.length, 3);
    assert.deepEqual(new Set(cells), new Set([12]));
    assert.match(text, /a\\\|b\\\*/);
  });
});
