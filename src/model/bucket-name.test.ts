import assert from "node:assert/strict";
import { test } from "node:test";
import { isBucketName } from "./bucket-name.ts";

test("isBucketName() takes what S3 documents as a name", () => {
  for (const name of ["abc", "a-b.c1", "1.2.3", "x".repeat(63), "my-bucket-an", "a--b"])
    assert.equal(isBucketName(name), true, name);
});

test("isBucketName() refuses what S3 documents as none", () => {
  const wrong = ["", "ab", "x".repeat(64), "Abc", "a_b", "-abc", "abc-", ".abc", "abc.", "a..b"];
  wrong.push("foo-.bar", "foo.-bar", "192.168.5.4", "xn--a", "sthree-a", "amzn-s3-demo-b");
  wrong.push("a-s3alias", "a--ol-s3", "a.mrap", "a--x-s3", "a--table-s3", "a b", "a/b", "ä-b");
  wrong.push("mine-123456789012-us-east-1-an", "abc\n");
  for (const name of wrong) assert.equal(isBucketName(name), false, name);
});
