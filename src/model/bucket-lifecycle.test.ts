import assert from "node:assert/strict";
import { test } from "node:test";
import {
  expiryOf,
  fateOf,
  fateOfNoncurrent,
  isMarkerDue,
  isUploadDue,
  type Lifecycle,
  type LifecycleRule,
} from "./bucket-lifecycle.ts";

const dayMs = 24 * 60 * 60_000;
const start = Date.UTC(2030, 0, 10, 15);

const rule = (more: Partial<LifecycleRule>): LifecycleRule => ({
  id: "one",
  isEnabled: true,
  filter: {},
  filterForm: "empty",
  ...more,
});
const by = (...rules: Partial<LifecycleRule>[]): Lifecycle => ({ rules: rules.map(rule) });
const object = (more = {}) => ({
  key: "a/b",
  sizeBytes: 1 << 20,
  modifiedMs: start,
  storageClass: "STANDARD",
  ...more,
});

test("fateOf() counts days from the next midnight on", () => {
  const lifecycle = by({ expiration: { days: 2 } });
  const due = Date.UTC(2030, 0, 13);
  assert.equal(fateOf(lifecycle, object(), due - 1), undefined);
  assert.deepEqual(fateOf(lifecycle, object(), due), { kind: "expire" });
  assert.deepEqual(expiryOf(lifecycle, object()), { at: due, ruleId: "one" });
  const exact = object({ modifiedMs: Date.UTC(2030, 0, 10) });
  assert.equal(expiryOf(lifecycle, exact)?.at, Date.UTC(2030, 0, 12));
});

test("fateOf() looks at all that a filter names", () => {
  const expired = (filter: LifecycleRule["filter"], more = {}) =>
    fateOf(by({ filter, expiration: { days: 1 } }), object(more), start + 9 * dayMs) !== undefined;
  assert.equal(expired({ prefix: "a/" }), true);
  assert.equal(expired({ prefix: "b/" }), false);
  assert.equal(expired({ tags: { k: "v" } }), false);
  assert.equal(expired({ tags: { k: "v" } }, { tags: { k: "v", other: "w" } }), true);
  assert.equal(expired({ sizeBytesAbove: 1 << 20 }), false);
  assert.equal(expired({ sizeBytesAbove: (1 << 20) - 1 }), true);
  assert.equal(expired({ sizeBytesBelow: 1 << 20 }), false);
});

test("fateOf() does nothing by a rule that is switched off", () => {
  const lifecycle = by({ isEnabled: false, expiration: { at: start } });
  assert.equal(fateOf(lifecycle, object(), start + dayMs), undefined);
});

test("fateOf() moves to the coldest class that is due, and never back", () => {
  const lifecycle = by({
    transitions: [
      { when: { days: 1 }, storageClass: "STANDARD_IA" },
      { when: { days: 3 }, storageClass: "GLACIER" },
    ],
  });
  const after = (days: number, more = {}) => fateOf(lifecycle, object(more), start + days * dayMs);
  assert.deepEqual(after(2), { kind: "move", storageClass: "STANDARD_IA" });
  assert.deepEqual(after(9), { kind: "move", storageClass: "GLACIER" });
  assert.equal(after(9, { storageClass: "DEEP_ARCHIVE" }), undefined);
  assert.equal(after(2, { storageClass: "STANDARD_IA" }), undefined);
});

test("fateOf() leaves small objects where they are, unless the rule names sizes", () => {
  const transitions = [{ when: { days: 1 }, storageClass: "GLACIER" }];
  const small = object({ sizeBytes: 1000 });
  const at = start + 9 * dayMs;
  assert.equal(fateOf(by({ transitions }), small, at), undefined);
  const sized = by({ transitions, filter: { sizeBytesAbove: 10 } });
  assert.equal(fateOf(sized, small, at)?.kind, "move");
  assert.equal(fateOf({ ...by({ transitions }), transitionsSmall: true }, small, at)?.kind, "move");
});

test("fateOf() lets expiring win", () => {
  const transitions = [{ when: { days: 1 }, storageClass: "GLACIER" }];
  const lifecycle = by({ transitions }, { id: "two", expiration: { days: 2 } });
  assert.equal(fateOf(lifecycle, object(), start + 9 * dayMs)?.kind, "expire");
});

test("fateOfNoncurrent() counts from when a version was replaced, and keeps the newest", () => {
  const lifecycle = by({ noncurrentExpiration: { days: 2, newerKept: 1 } });
  const version = { ...object(), noncurrentAt: start + 5 * dayMs, newerNoncurrent: 1 };
  assert.equal(fateOfNoncurrent(lifecycle, version, start + 7 * dayMs), undefined);
  assert.equal(fateOfNoncurrent(lifecycle, version, start + 9 * dayMs)?.kind, "expire");
  const newest = { ...version, newerNoncurrent: 0 };
  assert.equal(fateOfNoncurrent(lifecycle, newest, start + 9 * dayMs), undefined);
});

test("isMarkerDue() is about markers that are alone, by a rule of theirs or by days", () => {
  const marker = { key: "a/b", modifiedMs: start };
  assert.equal(isMarkerDue(by({ expiration: { markersAlone: true } }), marker, start), true);
  assert.equal(isMarkerDue(by({ expiration: { days: 3 } }), marker, start), false);
  assert.equal(isMarkerDue(by({ expiration: { days: 3 } }), marker, start + 9 * dayMs), true);
  const tagged = by({ expiration: { days: 3 }, filter: { tags: { k: "v" } } });
  assert.equal(isMarkerDue(tagged, marker, start + 9 * dayMs), false);
});

test("isUploadDue() counts from when an upload began", () => {
  const lifecycle = by({ abortUploadsDays: 1, filter: { prefix: "a/" } });
  const upload = { key: "a/b", startedMs: start };
  assert.equal(isUploadDue(lifecycle, upload, start + dayMs), false);
  assert.equal(isUploadDue(lifecycle, upload, start + 2 * dayMs), true);
  assert.equal(isUploadDue(lifecycle, { ...upload, key: "b" }, start + 2 * dayMs), false);
});
