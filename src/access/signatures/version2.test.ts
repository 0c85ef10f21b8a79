import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { AwsError } from "#/model/aws-error.ts";
import type { Principal } from "#/model/principal.ts";
import { requestOf } from "../testing/request.ts";
import { refuse } from "./refusals.ts";
import { Signatures, type Credential } from "./verify.ts";

/** The key of AWS's own examples; all signatures here were made by boto3 1.43 but for the one that is said to be AWS's. */
const accessKeyId = "AKIAIOSFODNN7EXAMPLE";
const secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
const then = Date.UTC(2007, 2, 27, 11, 56, 42);
const date = "Tue, 27 Mar 2007 11:56:42 GMT";
const ann: Credential = { principal: { kind: "account" } as Principal, secret };

function signaturesAt(now: number): Signatures {
  const credentials = {
    find(id: string, token: string | undefined, service: string) {
      if (id !== accessKeyId) throw refuse.unknownKey(service, id);
      if (token !== undefined && token !== "a token") throw refuse.invalidToken(service);
      return ann;
    },
  };
  return new Signatures({ credentials, clock: { now: () => now } });
}

const signatures = signaturesAt(then);
const presigned = signaturesAt(1174995402_000);

const signed = (signature: string): [string, string] => [
  "Authorization",
  `AWS ${accessKeyId}:${signature}`,
];

function refusal(run: () => unknown): AwsError {
  try {
    run();
  } catch (thrown) {
    assert.ok(thrown instanceof AwsError, String(thrown));
    return thrown;
  }
  throw new Error("nothing was refused");
}

const codeOf = (run: () => unknown) => {
  const { awsCode, status } = refusal(run);
  return `${status} ${awsCode}`;
};

describe("Signatures.verify() of version 2", () => {
  it("accepts AWS's example of a header, whose bucket the host names", () => {
    const request = requestOf("GET", "/photos/puppy.jpg", [
      ["Host", "awsexamplebucket1.us-west-1.s3.amazonaws.com"],
      ["Date", "Tue, 27 Mar 2007 19:36:42 +0000"],
      signed("qgk2+6Sv9/oM7G3qLEjTH1a1l1g="),
    ]);
    const now = Date.UTC(2007, 2, 27, 19, 40);
    const verified = signaturesAt(now).verify(request, undefined, "awsexamplebucket1");
    assert.equal(verified.principal, ann.principal);
    assert.deepEqual([verified.way, verified.version, verified.service], ["header", 2, "s3"]);
  });

  it("accepts headers that boto3 signs, whatever else comes with them", () => {
    const put = requestOf("PUT", "/pail/k", [
      ["x-amz-meta-x", "1  2"],
      ["Content-Type", "text/x"],
      ["x-amz-checksum-crc32", "2JMqrA=="],
      ["x-amz-sdk-checksum-algorithm", "CRC32"],
      ["Date", date],
      signed("2BpB+8DNuIlr8jGlA6tHL4gS0pg="),
      ["amz-sdk-request", "attempt=1"],
    ]);
    assert.deepEqual(signatures.verify(put).content, { kind: "unsigned" });
    const acl = requestOf("GET", "/pail?acl", [
      ["Date", date],
      signed("J3Sq8sMA/JPzPchrdpabAdQe7Ag="),
    ]);
    assert.equal(signatures.verify(acl).way, "header");
  });

  it("accepts what boto3 presigns", () => {
    const key = `AWSAccessKeyId=${accessKeyId}`;
    const expires = "Expires=1174995462";
    for (const [method, url, hostBucket] of [
      [
        "GET",
        `/pail/a%20b/%C3%A9%2B.txt?response-content-disposition=attachment%3B%20filename%3D%22%C3%A9.txt%22&versionId=v1&${key}&Signature=pSayaWt%2FVZMPsw5bodxP%2Bex1b7o%3D&${expires}`,
      ],
      [
        "PUT",
        `/pail/k?${key}&Signature=Mdgz0DRgKdzjOSiVgV1egRtAt74%3D&content-type=text%2Fplain&x-amz-meta-color=blue&x-amz-acl=public-read&${expires}`,
      ],
      ["GET", `/k?${key}&Signature=Cq7RkdEkjEmoFVcRg9sYkYrT51Q%3D&${expires}`, "pail"],
      [
        "GET",
        `/pail?prefix=x&encoding-type=url&${key}&Signature=ezGhDjjN9NSdmkSBV5k3USYIw4s%3D&x-amz-security-token=a%20token&${expires}`,
      ],
      ["GET", `/?uploads&${key}&Signature=yU8OedZ9pY4S9oOItFy4MhP%2ByX0%3D&${expires}`, "pail"],
    ] as const) {
      const verified = presigned.verify(requestOf(method, url, []), undefined, hostBucket);
      assert.deepEqual([verified.way, verified.version], ["query", 2], url);
    }
  });

  it("refuses what was changed since it was signed, and tells what should have been", () => {
    const of = (url: string) =>
      requestOf("GET", url, [["Date", date], signed("J3Sq8sMA/JPzPchrdpabAdQe7Ag=")]);
    const { awsCode, status, fields } = refusal(() => signatures.verify(of("/pail?policy")));
    assert.deepEqual([status, awsCode], [403, "SignatureDoesNotMatch"]);
    assert.equal(fields?.["StringToSign"], `GET\n\n\n${date}\n/pail?policy`);
    assert.equal(
      codeOf(() => signatures.verify(of("/bucket?acl"))),
      "403 SignatureDoesNotMatch",
    );
  });

  it("refuses what is late, early, undated, incomplete or signed twice", () => {
    const url = (query: string) =>
      requestOf("GET", `/pail/k?AWSAccessKeyId=${accessKeyId}&${query}`, []);
    const header = (value: string, ...more: [string, string][]) =>
      requestOf("GET", "/pail", [["Authorization", value], ...more]);
    const old = `AWS ${accessKeyId}:J3Sq8sMA/JPzPchrdpabAdQe7Ag=`;
    for (const [request, expected] of [
      [url("Signature=x&Expires=1174995401"), "403 AccessDenied"],
      [url("Signature=x&Expires=soon"), "403 AccessDenied"],
      [url("Signature=x"), "403 AccessDenied"],
      [url("Expires=1174995462"), "403 AccessDenied"],
      [url("Signature=x&Expires=1274995462"), "403 SignatureDoesNotMatch"],
      [header(old), "403 AccessDenied"],
      [header(old, ["Date", "yesterday"]), "403 AccessDenied"],
      [header(old, ["Date", "Tue, 27 Mar 2007 12:12:42 GMT"]), "403 RequestTimeTooSkewed"],
      [header(`AWS ${accessKeyId}`, ["Date", date]), "400 InvalidArgument"],
      [header("AWS nobody:xyz=", ["Date", date]), "403 InvalidAccessKeyId"],
      [
        requestOf("GET", `/pail?AWSAccessKeyId=${accessKeyId}&Signature=x`, [
          ["Authorization", old],
        ]),
        "400 InvalidArgument",
      ],
    ] as const)
      assert.equal(
        codeOf(() => signatures.verify(request)),
        expected,
        request.url,
      );
  });

  it("is of S3 alone", () => {
    const request = requestOf("POST", "/", [["Date", date], signed("x=")]);
    assert.equal(
      codeOf(() => signatures.verify(request, new Uint8Array())),
      "400 InvalidRequest",
    );
  });
});
