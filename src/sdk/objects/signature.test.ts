import assert from "node:assert/strict";
import { test } from "node:test";
import { presignedUrl, sha256, signedHeaders } from "./signature.ts";

/** Of https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html and …/sigv4-query-string-auth.html */
const by = {
  credentials: {
    accessKeyId: "AKIAIOSFODNN7EXAMPLE",
    secretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
  },
  region: "us-east-1",
  nowMs: Date.UTC(2013, 4, 24),
};
const origin = "https://examplebucket.s3.amazonaws.com";

test("signedHeaders() signs as AWS's own examples do", () => {
  const get = {
    method: "GET",
    origin,
    path: "/test.txt",
    query: {},
    headers: { range: "bytes=0-9" },
  };
  assert.match(
    signedHeaders(get, sha256(""), by)["authorization"]!,
    /Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41$/,
  );
  const put = {
    method: "PUT",
    origin,
    path: "/test%24file.text",
    query: {},
    headers: { date: "Fri, 24 May 2013 00:00:00 GMT", "x-amz-storage-class": "REDUCED_REDUNDANCY" },
  };
  assert.match(
    signedHeaders(put, sha256("Welcome to Amazon S3."), by)["authorization"]!,
    /Signature=98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd$/,
  );
  const list = {
    method: "GET",
    origin,
    path: "/",
    query: { "max-keys": "2", prefix: "J" },
    headers: {},
  };
  assert.match(
    signedHeaders(list, sha256(""), by)["authorization"]!,
    /Signature=34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7$/,
  );
});

test("presignedUrl() signs as AWS's own example does", () => {
  const call = { method: "GET", origin, path: "/test.txt", query: {}, headers: {} };
  assert.match(
    presignedUrl(call, { ...by, expiresMs: 86_400_000 }),
    /X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404$/,
  );
});
