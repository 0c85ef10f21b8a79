import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  briefDuration,
  briefEnergy,
  briefGrams,
  briefSize,
  counted,
  formatDuration,
  formatMicros,
  formatMoney,
  formatSize,
  parseDuration,
  parseMoney,
  parseSize,
} from "./units.ts";

const whole = fc.integer({ min: 0, max: 10 ** 12 });

test("parseDuration() reads what formatDuration() gives", () => {
  fc.assert(fc.property(whole, (ms) => assert.equal(parseDuration(formatDuration(ms)), ms)));
});

test("parseDuration() reads what people write", () => {
  const expected = {
    "90s": 90_000,
    "10m": 600_000,
    "1h30m": 5_400_000,
    "500ms": 500,
    "1.5s": 1500,
    "2d": 172_800_000,
  };
  for (const [text, ms] of Object.entries(expected)) assert.equal(parseDuration(text), ms);
  assert.deepEqual([90_000, 5_400_000, 1500].map(formatDuration), ["1m30s", "1h30m", "1.5s"]);
});

test("parseDuration() refuses what is no duration, and says how to write one", () => {
  for (const text of ["", "10", "ten minutes", "5m1h", "1m1m", "-5s", "1h 30m"]) {
    assert.throws(
      () => parseDuration(text),
      { code: "invalid", hint: /like 90s, 10m, 1h30m/ },
      text,
    );
  }
});

test("counted() says one and many", () => {
  assert.deepEqual(
    [0, 1, 2].map((count) => counted(count, "machine")),
    ["0 machines", "1 machine", "2 machines"],
  );
});

test("parseSize() reads what formatSize() gives", () => {
  fc.assert(fc.property(whole, (bytes) => assert.equal(parseSize(formatSize(bytes)), bytes)));
  assert.deepEqual([512 * 2 ** 20, 1.5 * 2 ** 30, 1000].map(formatSize), [
    "512MiB",
    "1.5GiB",
    "1000B",
  ]);
});

test("parseSize() tells 1024 from 1000, and refuses what is no size", () => {
  assert.deepEqual(["1KiB", "1kB", "2 GB", "0.5mib"].map(parseSize), [1024, 1000, 2e9, 524_288]);
  for (const text of ["", "5", "lots", "5XB", "-1B"])
    assert.throws(() => parseSize(text), { code: "invalid" });
});

test("parseMoney() reads what formatMoney() gives", () => {
  const money = fc
    .tuple(whole, fc.constantFrom("USD", "EUR", "CHF"))
    .map(([micros, currency]) => ({ micros, currency }));
  fc.assert(fc.property(money, (sum) => assert.deepEqual(parseMoney(formatMoney(sum)), sum)));
  assert.equal(formatMoney({ micros: 1_500_000, currency: "USD" }), "1.50 USD");
  assert.equal(formatMoney({ micros: 17, currency: "USD" }), "0.000017 USD");
  for (const text of ["1.5", "USD", "1.0000001 USD"])
    assert.throws(() => parseMoney(text), { code: "invalid" });
});

test("formatMicros() writes millionths as a decimal that reads back as what it was, to the nearest", () => {
  fc.assert(
    fc.property(whole, (micros) => {
      const text = formatMicros(micros);
      assert.match(text, /^\d+\.\d{2,6}$/);
      assert.equal(Math.round(Number(text) * 1e6), micros);
    }),
  );
  assert.equal(formatMicros(1_999_999.6), "2.00");
});

test("brief forms are short", () => {
  assert.deepEqual(
    [0.42, 320, 999.7, 4210, 59_600, 72_000, 11_100_000, 187_200_000].map(briefDuration),
    ["0.4ms", "320ms", "1.0s", "4.2s", "1m00s", "1m12s", "3h05m", "2d04h"],
  );
  assert.deepEqual([17, 1536, 1_567_000_000, 1023.9 * 2 ** 20].map(briefSize), [
    "17B",
    "1.5KiB",
    "1.46GiB",
    "1GiB",
  ]);
  assert.deepEqual([0, 12.34, 3210, 4.5e6].map(briefEnergy), [
    "0Wh",
    "3.43mWh",
    "0.892Wh",
    "1.25kWh",
  ]);
  assert.deepEqual([0, 0.01234, 3.2, 1250].map(briefGrams), ["0g", "12.3mg", "3.2g", "1.25kg"]);
});
