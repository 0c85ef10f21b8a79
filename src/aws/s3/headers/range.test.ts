import assert from "node:assert/strict";
import { test } from "node:test";
import type { AwsError } from "#/model/aws-error.ts";
import { parseRange, parseSourceRange } from "./range.ts";

test("parseRange() reads one range, as far as there are bytes", () => {
  assert.deepEqual(parseRange("bytes=0-3", 10), { start: 0, end: 4 });
  assert.deepEqual(parseRange("bytes=4-", 10), { start: 4, end: 10 });
  assert.deepEqual(parseRange("bytes=-3", 10), { start: 7, end: 10 });
  assert.deepEqual(parseRange("bytes=-30", 10), { start: 0, end: 10 });
  assert.deepEqual(parseRange("bytes=9-99", 10), { start: 9, end: 10 });
});

test("parseRange() takes no notice of what is malformed", () => {
  for (const header of ["bytes=-", "bytes=5-2", "bytes=0-1,3-4", "lines=1-2", "bytes=a-b", ""])
    assert.equal(parseRange(header, 10), undefined);
});

test("parseRange() throws InvalidRange where there is nothing, with the size", () => {
  for (const [header, size] of [
    ["bytes=10-", 10],
    ["bytes=-0", 10],
    ["bytes=0-", 0],
    ["bytes=-5", 0],
  ] as const)
    assert.throws(
      () => parseRange(header, size),
      ({ awsCode, status, fields }: AwsError) =>
        awsCode === "InvalidRange" && status === 416 && fields["ActualObjectSize"] === String(size),
    );
});

test("parseSourceRange() takes only what is within the source", () => {
  assert.deepEqual(parseSourceRange("bytes=0-9", 10), { start: 0, end: 10 });
  for (const header of ["bytes=0-10", "bytes=3-", "bytes=-3", "0-3", "bytes=3-2"])
    assert.throws(
      () => parseSourceRange(header, 10),
      ({ awsCode }: AwsError) => awsCode === "InvalidArgument",
    );
});
