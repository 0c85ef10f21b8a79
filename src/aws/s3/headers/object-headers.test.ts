import assert from "node:assert/strict";
import { test } from "node:test";
import type { AwsError } from "#/model/aws-error.ts";
import { parseCopySource } from "./copy-source.ts";
import { announcedChecksum, contentMd5, uploadChecksum } from "./checksums.ts";
import { objectHeaders, toWire } from "./object-headers.ts";
import { parseTagging } from "./tags.ts";

const throwsCode = (act: () => unknown, code: string) =>
  assert.throws(act, ({ awsCode }: AwsError) => awsCode === code);

test("objectHeaders() keeps what is of the object, and not how it travelled", () => {
  const found = objectHeaders({
    "content-type": "text/plain",
    "content-encoding": "aws-chunked,gzip",
    "x-amz-meta-a": "1",
    "x-amz-meta-__proto__": "2",
    "x-amz-date": "20261123T000000Z",
  });
  assert.equal(found.contentType, "text/plain");
  assert.equal(found.contentEncoding, "gzip");
  assert.deepEqual(Object.entries(found.metadata ?? {}), [
    ["a", "1"],
    ["__proto__", "2"],
  ]);
  assert.equal(objectHeaders({ "content-encoding": "aws-chunked" }).contentEncoding, undefined);
});

test("objectHeaders() refuses more than 2 KiB of metadata", () => {
  objectHeaders({ "x-amz-meta-a": "x".repeat(2047) });
  throwsCode(() => objectHeaders({ "x-amz-meta-a": "x".repeat(2048) }), "MetadataTooLarge");
});

test("metadata of any letters comes and goes", () => {
  const sent = Buffer.from("Grüße ✓").toString("latin1");
  const { metadata } = objectHeaders({ "x-amz-meta-a": sent });
  assert.equal(metadata?.["a"], "Grüße ✓");
  const told = toWire(metadata["a"]);
  assert.match(told, /^=\?UTF-8\?B\?[\w+/=]+\?=$/);
  assert.equal(objectHeaders({ "x-amz-meta-a": told }).metadata?.["a"], "Grüße ✓");
});

test("parseTagging() reads a query of ten tags at most", () => {
  assert.deepEqual(parseTagging("a=1&b=%20x%2F&c"), { a: "1", b: " x/", c: "" });
  assert.deepEqual(Object.entries(parseTagging("__proto__=1") ?? {}), [["__proto__", "1"]]);
  throwsCode(() => parseTagging("a=1&a=2"), "InvalidArgument");
  throwsCode(() => parseTagging("a=%"), "InvalidArgument");
  throwsCode(() => parseTagging("a%3Cb=1"), "InvalidTag");
  throwsCode(() => parseTagging(`${"k".repeat(129)}=1`), "InvalidTag");
  throwsCode(() => parseTagging(`k=${"v".repeat(257)}`), "InvalidTag");
  const eleven = Array.from({ length: 11 }, (_, index) => `k${index}=v`).join("&");
  throwsCode(() => parseTagging(eleven), "BadRequest");
});

test("parseCopySource() knows keys of any letters, and a version", () => {
  assert.deepEqual(parseCopySource("/bkt/a/b%20c"), { bucket: "bkt", key: "a/b c" });
  assert.deepEqual(parseCopySource("bkt/../x"), { bucket: "bkt", key: "../x" });
  const versionId = "0".repeat(32);
  assert.deepEqual(parseCopySource(`bkt%2Fk?versionId=${versionId}`), {
    bucket: "bkt",
    key: "k",
    versionId,
  });
  assert.deepEqual(parseCopySource("bkt/what?"), { bucket: "bkt", key: "what?" });
  for (const bad of [
    "bkt",
    "/bkt/",
    "",
    "/",
    "bkt/%zz",
    "b@d/k",
    "bkt/k?versionId=",
    "bkt/k?versionId=v1",
  ])
    throwsCode(() => parseCopySource(bad), "InvalidArgument");
});

test("announcedChecksum() takes one value, in a header or in the trailer", () => {
  assert.equal(announcedChecksum({}), undefined);
  assert.deepEqual(announcedChecksum({ "x-amz-checksum-crc32": "AAAAAA==" }), {
    algorithm: "CRC32",
    value: "AAAAAA==",
    inTrailer: false,
  });
  assert.deepEqual(
    announcedChecksum({
      "x-amz-trailer": "x-amz-checksum-crc32c",
      "x-amz-sdk-checksum-algorithm": "CRC32C",
    }),
    { algorithm: "CRC32C", inTrailer: true },
  );
  for (const headers of [
    { "x-amz-checksum-crc32": "bad" },
    { "x-amz-checksum-sha256": "AAAAAA==" },
    { "x-amz-checksum-md4": "AAAAAA==" },
    { "x-amz-checksum-crc32": "AAAAAA==", "x-amz-checksum-crc32c": "AAAAAA==" },
    { "x-amz-trailer": "x-amz-meta-a" },
    { "x-amz-sdk-checksum-algorithm": "CRC32" },
    { "x-amz-sdk-checksum-algorithm": "SHA1", "x-amz-checksum-crc32": "AAAAAA==" },
  ])
    throwsCode(() => announcedChecksum(headers), "InvalidRequest");
});

test("uploadChecksum() refuses what does not go together", () => {
  const of = (algorithm: string, type?: string) =>
    uploadChecksum({
      "x-amz-checksum-algorithm": algorithm,
      ...(type !== undefined && { "x-amz-checksum-type": type }),
    });
  assert.deepEqual(of("CRC64NVME"), { algorithm: "CRC64NVME", type: "FULL_OBJECT" });
  assert.deepEqual(of("SHA256"), { algorithm: "SHA256", type: "COMPOSITE" });
  assert.deepEqual(of("CRC32", "FULL_OBJECT"), { algorithm: "CRC32", type: "FULL_OBJECT" });
  throwsCode(() => of("SHA1", "FULL_OBJECT"), "InvalidRequest");
  throwsCode(() => of("CRC64NVME", "COMPOSITE"), "InvalidRequest");
  throwsCode(() => of("MD4"), "InvalidRequest");
  throwsCode(() => uploadChecksum({ "x-amz-checksum-type": "COMPOSITE" }), "InvalidRequest");
});

test("contentMd5() tells a digest from what is none", () => {
  assert.equal(
    contentMd5({ "content-md5": "1B2M2Y8AsgTpgAmY7PhCfg==" }),
    "d41d8cd98f00b204e9800998ecf8427e",
  );
  for (const bad of ["", "abc", "AWQ=", "1B2M2Y8AsgTpgAmY7PhCfg"])
    throwsCode(() => contentMd5({ "content-md5": bad }), "InvalidDigest");
});
