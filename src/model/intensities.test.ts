import assert from "node:assert/strict";
import { test } from "node:test";
import { CanopyError } from "#/base/errors.ts";
import { intensitiesOfAnswer, intensitiesOfCsv } from "./intensities.ts";

const hour = Date.parse("2026-11-23T02:00:00Z") / 3_600_000;

test("intensitiesOfCsv() reads times and grams, as means of hours", () => {
  const text =
    "datetime_utc,gco2eq_per_kwh\n2026-11-23 02:00:00,100\n2026-11-23T02:30Z,200,ignored\n\n2026-11-23T04:00+01:00,50\n";
  assert.deepEqual(
    [...intensitiesOfCsv(text, "a.csv")],
    [
      [hour, 150],
      [hour + 1, 50],
    ],
  );
});

test("intensitiesOfCsv() names the line that is none", () => {
  for (const bad of [
    "yesterday,3",
    "2026-11-23T02:00Z,-1",
    "2026-11-23T02:00Z,",
    "2026-11-23T02:00Z,1e9",
  ])
    assert.throws(
      () => intensitiesOfCsv(`time,grams\n${bad}\n`, "a.csv"),
      (thrown: unknown) =>
        thrown instanceof CanopyError && thrown.code === "invalid" && thrown.place?.line === 2,
    );
});

test("intensitiesOfAnswer() reads Electricity Maps' latest, history, past range and forecast", () => {
  const entry = { zone: "DE", datetime: "2026-11-23T02:00:00.000Z", carbonIntensity: 302 };
  const more = { zone: "DE", carbonIntensity: 250, datetime: "2026-11-23T03:00:00.000Z" };
  assert.deepEqual([...intensitiesOfAnswer(entry)], [[hour, 302]]);
  for (const name of ["history", "data", "forecast"])
    assert.deepEqual(
      [...intensitiesOfAnswer({ zone: "DE", [name]: [entry, more] })],
      [
        [hour, 302],
        [hour + 1, 250],
      ],
    );
});

test("intensitiesOfAnswer() reads the Carbon Intensity API, the actual one before the forecast", () => {
  const entry = (from: string, forecast: number, actual: number | null) => ({
    from,
    to: "",
    intensity: { forecast, actual, index: "moderate" },
  });
  const data = [
    entry("2026-11-23T02:00Z", 266, 263),
    entry("2026-11-23T02:30Z", 250, 253),
    entry("2026-11-23T03:00Z", 240, null),
  ];
  const expected = [
    [hour, 258],
    [hour + 1, 240],
  ];
  assert.deepEqual([...intensitiesOfAnswer({ data })], expected);
  assert.deepEqual([...intensitiesOfAnswer({ data: { regionid: 3, data } })], expected);
});

test("intensitiesOfAnswer() refuses what is neither", () => {
  for (const other of [{}, [], null, { error: "no such zone" }, { data: [{ from: "x" }] }])
    assert.throws(() => intensitiesOfAnswer(other), CanopyError);
});
