import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { stretchesOf, unionOf, type AvailabilityHistory } from "./availability.ts";

const hourMs = 3_600_000;

/** One hour for each value. */
function hourly(available: boolean[]): AvailabilityHistory {
  const changesMs = available.flatMap((now, hour) =>
    hour > 0 && now !== available[hour - 1] ? [hour * hourMs] : [],
  );
  const untilMs = available.length * hourMs;
  return { fromMs: 0, untilMs, availableFirst: available[0] ?? false, changesMs };
}

function hoursOf(history: AvailabilityHistory): boolean[] {
  return stretchesOf(history).flatMap(({ fromMs, toMs, available }) =>
    Array.from({ length: (toMs - fromMs) / hourMs }, () => available),
  );
}

test("stretchesOf() alternates, and the last stretch goes on", () => {
  const [first, second, ...rest] = stretchesOf(hourly([true, true, false]));
  assert.deepEqual(first, { fromMs: 0, toMs: 2 * hourMs, available: true, ended: true });
  assert.deepEqual(second, {
    fromMs: 2 * hourMs,
    toMs: 3 * hourMs,
    available: false,
    ended: false,
  });
  assert.deepEqual(rest, []);
});

test("unionOf() is available when any zone is", () => {
  const hours = fc.tuple(fc.boolean(), fc.boolean(), fc.boolean());
  fc.assert(
    fc.property(fc.array(hours, { minLength: 1, maxLength: 40 }), (all) => {
      const zones = [0, 1, 2].map((zone) => hourly(all.map((hour) => hour[zone]!)));
      const { history } = unionOf(zones);
      assert.deepEqual(
        hoursOf(history),
        all.map((hour) => hour.some(Boolean)),
      );
      const { changesMs } = history;
      assert.deepEqual(
        changesMs,
        changesMs.toSorted((a, b) => a - b),
      );
    }),
  );
});

test("unionOf() of one zone is that zone, without moves", () => {
  const zone = hourly([false, true, true, false]);
  assert.deepEqual(unionOf([zone]), { history: zone, movesPerHour: 0 });
});

test("unionOf() counts moves of one who goes to the zone that is available for longest", () => {
  const zones = [
    hourly([true, true, false, false, true, true]),
    hourly([false, true, true, true, false, false]),
  ];
  // From the first to the second after two hours, back after four, six hours in all.
  assert.equal(unionOf(zones).movesPerHour, 2 / 6);
});

test("unionOf() looks at the time that all zones were watched", () => {
  const early = hourly([true, false, false, true]);
  const late = { ...hourly([false]), fromMs: hourMs, untilMs: 6 * hourMs };
  const { history } = unionOf([early, late]);
  assert.deepEqual(history, {
    fromMs: hourMs,
    untilMs: 4 * hourMs,
    availableFirst: false,
    changesMs: [3 * hourMs],
  });
});
