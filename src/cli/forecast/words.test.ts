import assert from "node:assert/strict";
import { test } from "node:test";
import type { ForecastView } from "#/model/forecast-views.ts";
import type { Output } from "../terminal.ts";
import { allEndOf, cutNoteOf, forecastText } from "./words.ts";

const at = "2026-11-23T07:00:00.000Z";
const job = { job: "j1", title: "long", phase: "waiting", isPartial: false } as const;
const forecast: ForecastView = {
  at,
  forks: 1,
  isCutShort: true,
  tookMs: 6700,
  currency: "USD",
  jobs: [job],
};
const piped: Output = {
  write: () => {},
  isTty: false,
  columns: 80,
  rows: 24,
  paint: (_, text) => text,
};

test("a job of which time was up before it had ended is unknown, and never ends in no fork", () => {
  const unknown = forecastText(forecast, piped).trim().split("\t");
  assert.deepEqual(unknown.slice(3, 5), ["unknown", "unknown"]);
  assert.equal(unknown.at(-1), "unknown");
  assert.equal(allEndOf(forecast), "unknown");
  const never = { ...forecast, isCutShort: false, jobs: [{ ...job, ends: 0, succeeds: 0 }] };
  const told = forecastText(never, piped).trim().split("\t");
  assert.deepEqual([...told.slice(3, 5), told.at(-1)], ["never", "never", "0%"]);
  assert.equal(allEndOf(never), "never");
});

test("that a forecast was cut short is told beside it, wherever it is printed", () => {
  assert.match(
    cutNoteOf(forecast)!,
    /^Cut short after 6.7s: .* 1 fork, .* before one job had ended/,
  );
  const known = { ...forecast, forks: 12, jobs: [{ ...job, ends: 1, succeeds: 1 }] };
  assert.match(cutNoteOf(known)!, /it stands on 12 forks$/);
  assert.equal(cutNoteOf({ ...known, isCutShort: false }), undefined);
});
