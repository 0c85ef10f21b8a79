import assert from "node:assert/strict";
import { test } from "node:test";
import { contextConditions } from "./context-conditions.ts";

test("contextConditions() gives names as they are, and one key for those that differ in case only", () => {
  assert.deepEqual(contextConditions({ Team: "red", team: "blue", "aws:s3:arn": "x" }), {
    "kms:EncryptionContextKeys": ["Team", "team", "aws:s3:arn"],
    "kms:encryptioncontext:team": ["red", "blue"],
    "kms:encryptioncontext:aws:s3:arn": ["x"],
  });
});
