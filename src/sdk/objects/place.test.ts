import assert from "node:assert/strict";
import { test } from "node:test";
import { formatObjectName, isObjectName, parseObject, parseObjectName } from "./place.ts";

test("parseObjectName() reads names with and without s3://, keys of any characters among them", () => {
  assert.deepEqual(parseObjectName("s3://films/a/../b //c"), {
    bucket: "films",
    key: "a/../b //c",
  });
  assert.deepEqual(parseObjectName("films/x"), { bucket: "films", key: "x" });
  assert.deepEqual(parseObjectName("s3://films"), { bucket: "films", key: "" });
  assert.equal(formatObjectName({ bucket: "films", key: "x" }), "s3://films/x");
  assert.equal(isObjectName("films/x"), false);
});

test("parseObjectName() and parseObject() say what is wrong, and how it is written", () => {
  for (const word of ["s3://", "s3:///key", "S3://x", "s3://Films/x", "s3://a/x"])
    assert.throws(() => parseObjectName(word), { code: "invalid", hint: /s3:\/\/bucket\/key/ });
  for (const word of ["s3://films", "s3://films/", "s3://films/folder/"])
    assert.throws(() => parseObject(word), { code: "invalid" });
});
