import assert from "node:assert/strict";
import { test } from "node:test";
import type { AwsError } from "#/model/aws-error.ts";
import {
  checkSourceConditions,
  isSameAsBefore,
  isUnchanged,
  writeCondition,
} from "./conditions.ts";

const found = { etag: "abc", modifiedMs: Date.parse("2026-11-23T10:00:00.700Z") };
const before = "Mon, 23 Nov 2026 09:59:59 GMT";
const same = "Mon, 23 Nov 2026 10:00:00 GMT";
const later = "Mon, 23 Nov 2026 10:00:01 GMT";
const is412 = (thrown: AwsError) => thrown.status === 412;

test("isUnchanged() goes by the ETag first, then by the time", () => {
  assert.equal(isUnchanged({}, found), false);
  assert.equal(isUnchanged({ "if-match": '"abc"' }, found), false);
  assert.equal(isUnchanged({ "if-match": "abc" }, found), false);
  assert.equal(isUnchanged({ "if-match": '"x", "abc"' }, found), false);
  assert.equal(isUnchanged({ "if-match": "*" }, found), false);
  assert.throws(() => isUnchanged({ "if-match": '"x"' }, found), is412);
  assert.throws(() => isUnchanged({ "if-match": 'W/"abc"' }, found), is412);
  assert.equal(isUnchanged({ "if-match": 'W/"abc", "abc"' }, found), false);
  assert.equal(isUnchanged({ "if-none-match": '"abc"' }, found), true);
  assert.equal(isUnchanged({ "if-none-match": 'W/"abc"' }, found), true);
  assert.equal(isUnchanged({ "if-none-match": '"x"' }, found), false);
  assert.equal(isUnchanged({ "if-modified-since": same }, found), true);
  assert.equal(isUnchanged({ "if-modified-since": before }, found), false);
  assert.equal(isUnchanged({ "if-unmodified-since": same }, found), false);
  assert.equal(isUnchanged({ "if-unmodified-since": later }, found), false);
  assert.throws(() => isUnchanged({ "if-unmodified-since": before }, found), is412);
});

test("isUnchanged() lets an ETag that matches rule out a time that does not", () => {
  assert.equal(isUnchanged({ "if-match": "abc", "if-unmodified-since": before }, found), false);
  assert.equal(isUnchanged({ "if-none-match": '"x"', "if-modified-since": later }, found), false);
  assert.equal(isUnchanged({ "if-none-match": "abc", "if-modified-since": before }, found), true);
});

test("isUnchanged() takes what is no date for no condition", () => {
  assert.equal(isUnchanged({ "if-modified-since": "yesterday" }, found), false);
  assert.equal(isUnchanged({ "if-unmodified-since": "yesterday" }, found), false);
});

test("checkSourceConditions() refuses what a read would answer with 304", () => {
  const name = "x-amz-copy-source-if-";
  checkSourceConditions({ [`${name}match`]: '"abc"', [`${name}unmodified-since`]: before }, found);
  checkSourceConditions({ [`${name}none-match`]: "x", [`${name}modified-since`]: before }, found);
  for (const headers of [
    { [`${name}match`]: "x" },
    { [`${name}match`]: 'W/"abc"' },
    { [`${name}none-match`]: "abc" },
    { [`${name}modified-since`]: later },
    { [`${name}unmodified-since`]: before },
  ])
    assert.throws(() => checkSourceConditions(headers, found), is412);
});

test("writeCondition() knows an ETag, and that there is none", () => {
  assert.equal(writeCondition({}), undefined);
  assert.deepEqual(writeCondition({ "if-match": '"abc"' }), { ifMatch: "abc" });
  assert.deepEqual(writeCondition({ "if-none-match": "*" }), { ifNoneMatch: "*" });
  const isNotImplemented = (thrown: AwsError) => thrown.awsCode === "NotImplemented";
  assert.throws(() => writeCondition({ "if-none-match": '"abc"' }), isNotImplemented);
  assert.throws(() => writeCondition({ "x-amz-write-offset-bytes": "5" }), isNotImplemented);
  assert.throws(() => writeCondition({ "if-none-match": "*", "if-match": "x" }), isNotImplemented);
});

test("isSameAsBefore() lets go on who has the same object, by its ETag or its time", () => {
  for (const [ifRange, expected] of [
    [undefined, true],
    ['"abc"', true],
    ['"abd"', false],
    ['W/"abc"', false],
    [same, true],
    [later, false],
  ] as const)
    assert.equal(isSameAsBefore(ifRange, found), expected, String(ifRange));
});
