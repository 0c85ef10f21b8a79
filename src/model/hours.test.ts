import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { isTimeZone, isWithinHours, nextRuns } from "./hours.ts";

const at = (text: string) => Date.parse(text);
const texts = (instants: number[]) => instants.map((instant) => new Date(instant).toISOString());
const everyDay = [1, 2, 3, 4, 5, 6, 7];
const lengths = { forMs: 1000, everyMs: 1000 };

describe("isWithinHours()", () => {
  const office = { days: [1, 2, 3, 4, 5], from: "09:00", to: "17:00" };

  test("goes by the clocks of the time zone, summer and winter", () => {
    // Berlin is one hour ahead of UTC in January, two in July
    assert.equal(isWithinHours(office, "Europe/Berlin", at("2030-01-07T08:00Z")), true);
    assert.equal(isWithinHours(office, "Europe/Berlin", at("2030-01-07T07:59Z")), false);
    assert.equal(isWithinHours(office, "Europe/Berlin", at("2030-07-01T07:00Z")), true);
    assert.equal(isWithinHours(office, "Europe/Berlin", at("2030-07-01T15:00Z")), false);
  });

  test("goes by the weekday", () => {
    assert.equal(isWithinHours(office, "UTC", at("2030-01-05T10:00Z")), false, "a Saturday");
  });

  test("counts the hours after midnight to the day before, where it goes over midnight", () => {
    const night = { days: [5], from: "22:00", to: "04:00" };
    assert.equal(isWithinHours(night, "UTC", at("2030-01-04T23:00Z")), true, "Friday");
    assert.equal(isWithinHours(night, "UTC", at("2030-01-05T03:59Z")), true, "Saturday morning");
    assert.equal(isWithinHours(night, "UTC", at("2030-01-04T03:00Z")), false, "Friday morning");
    assert.equal(isWithinHours(night, "UTC", at("2030-01-05T22:30Z")), false, "Saturday");
  });
});

describe("nextRuns()", () => {
  test("gives the next ones in order, by day and time", () => {
    const schedule = { days: [1, 3], at: ["14:30", "10:00"], ...lengths };
    assert.deepEqual(texts(nextRuns(schedule, "UTC", at("2030-01-07T12:00Z"), 4)), [
      "2030-01-07T14:30:00.000Z",
      "2030-01-09T10:00:00.000Z",
      "2030-01-09T14:30:00.000Z",
      "2030-01-14T10:00:00.000Z",
    ]);
  });

  test("moves a time that a change of clocks leaves out an hour on, and takes one that comes twice once", () => {
    const schedule = { days: everyDay, at: ["02:30"], ...lengths };
    const berlin = (after: string, count: number) =>
      texts(nextRuns(schedule, "Europe/Berlin", at(after), count));
    assert.deepEqual(berlin("2030-03-30T12:00Z", 2), [
      "2030-03-31T01:30:00.000Z",
      "2030-04-01T00:30:00.000Z",
    ]);
    assert.deepEqual(berlin("2030-10-26T12:00Z", 2), [
      "2030-10-27T00:30:00.000Z",
      "2030-10-28T01:30:00.000Z",
    ]);
  });

  test("gives instants that grow, come after, and are on days and times of the schedule", () => {
    const zones = fc.constantFrom("UTC", "Asia/Kathmandu", "Pacific/Apia", "America/St_Johns");
    const days = fc.subarray(everyDay, { minLength: 1 });
    const hours = fc.subarray(["00:00", "05:17", "12:00", "23:59"], { minLength: 1 });
    const starts = fc.integer({ min: at("2026-01-01T00:00Z"), max: at("2036-01-01T00:00Z") });
    fc.assert(
      fc.property(zones, days, hours, starts, (zone, onDays, times, after) => {
        const runs = nextRuns({ days: onDays, at: times, ...lengths }, zone, after, 5);
        assert.equal(runs.length, 5);
        let last = after;
        for (const run of runs) {
          assert.ok(run > last);
          last = run;
          const local = new Intl.DateTimeFormat("en-GB", {
            timeZone: zone,
            weekday: "short",
            hour: "2-digit",
            minute: "2-digit",
          }).format(run);
          const [, weekday = "", time = ""] = /^(\w+),? (\d\d:\d\d)$/.exec(local) ?? [];
          const number = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"].indexOf(weekday) + 1;
          assert.ok(onDays.includes(number), local);
          assert.ok(times.includes(time), local);
        }
      }),
    );
  });
});

describe("isTimeZone()", () => {
  test("knows the IANA's names and no others", () => {
    assert.equal(isTimeZone("Europe/Berlin"), true);
    assert.equal(isTimeZone("Europe/Atlantis"), false);
  });
});
