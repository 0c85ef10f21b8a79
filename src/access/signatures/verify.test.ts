import assert from "node:assert/strict";
import { createHash, createHmac } from "node:crypto";
import { describe, it } from "node:test";
import { SignatureV4 } from "@smithy/signature-v4";
import fc from "fast-check";
import { AwsError } from "#/model/aws-error.ts";
import type { Principal } from "#/model/principal.ts";
import { requestOf } from "../testing/request.ts";
import { refuse } from "./refusals.ts";
import { scopeOf } from "./claim.ts";
import type { SignedRequest } from "./signed-request.ts";
import { Signatures, type Credential } from "./verify.ts";

/** The key, the day and the signatures of AWS's own examples (API_s3: sig-v4-header-based-auth, sigv4-query-string-auth). */
const accessKeyId = "AKIAIOSFODNN7EXAMPLE";
const secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
const at = "20130524T000000Z";
const then = Date.UTC(2013, 4, 24);
const emptyHash = createHash("sha256").update("").digest("hex");
const host = "examplebucket.s3.amazonaws.com";

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

function signedBy(signedHeaders: string, signature: string): [string, string] {
  return [
    "Authorization",
    `AWS4-HMAC-SHA256 Credential=${accessKeyId}/20130524/us-east-1/s3/aws4_request,SignedHeaders=${signedHeaders},Signature=${signature}`,
  ];
}

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (thrown) {
    assert.ok(thrown instanceof AwsError, String(thrown));
    return thrown.awsCode;
  }
  return "";
}

describe("Signatures.verify()", () => {
  const signatures = signaturesAt(then);

  it("accepts AWS's example: an object with a range", () => {
    const verified = signatures.verify(
      requestOf("GET", "/test.txt", [
        ["Host", host],
        ["Range", "bytes=0-9"],
        ["x-amz-content-sha256", emptyHash],
        ["x-amz-date", at],
        signedBy(
          "host;range;x-amz-content-sha256;x-amz-date",
          "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
        ),
      ]),
    );
    assert.equal(verified.principal, ann.principal);
    assert.deepEqual(verified.content, { kind: "hash", sha256: emptyHash });
    assert.deepEqual(
      [verified.way, verified.service, verified.region],
      ["header", "s3", "us-east-1"],
    );
  });

  it("accepts AWS's example: a put with a '$' in its key", () => {
    const sha256 = "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072";
    const headers: [string, string][] = [
      ["Host", host],
      ["Date", "Fri, 24 May 2013 00:00:00 GMT"],
      ["x-amz-date", at],
      ["x-amz-storage-class", "REDUCED_REDUNDANCY"],
      ["x-amz-content-sha256", sha256],
      signedBy(
        "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
        "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
      ),
    ];
    for (const path of ["/test$file.text", "/test%24file.text"])
      assert.deepEqual(signatures.verify(requestOf("PUT", path, headers)).content, {
        kind: "hash",
        sha256,
      });
  });

  it("accepts AWS's examples with queries: a name without a value, and two parameters in any order", () => {
    const examples = [
      ["/?lifecycle", "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"],
      ["/?max-keys=2&prefix=J", "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"],
      ["/?prefix=J&max-keys=2", "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"],
    ] as const;
    for (const [url, signature] of examples)
      signatures.verify(
        requestOf("GET", url, [
          ["Host", host],
          ["x-amz-content-sha256", emptyHash],
          ["x-amz-date", at],
          signedBy("host;x-amz-content-sha256;x-amz-date", signature),
        ]),
      );
  });

  const presigned =
    "/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404";

  it("accepts AWS's example of a presigned request until it expires, and says so then", () => {
    const request = requestOf("GET", presigned, [["Host", host]]);
    assert.equal(signatures.verify(request).way, "query");
    assert.equal(signaturesAt(then + 86_399_000).verify(request).content.kind, "unsigned");
    assert.throws(() => signaturesAt(then + 86_401_000).verify(request), {
      awsCode: "AccessDenied",
      message: "Request has expired",
    });
    assert.equal(
      codeOf(() => signaturesAt(then - 3_600_000).verify(request)),
      "AccessDenied",
    );
  });

  it("refuses a presigned request that was changed, is incomplete, or asks for more than a week", () => {
    const verify = (url: string, ...more: [string, string][]) =>
      codeOf(() => signatures.verify(requestOf("GET", url, [["Host", host], ...more])));
    assert.equal(verify(presigned.replace("test.txt", "other.txt")), "SignatureDoesNotMatch");
    assert.equal(verify(`${presigned}&versionId=1`), "SignatureDoesNotMatch");
    const malformed = "AuthorizationQueryParametersError";
    assert.equal(verify(presigned.replace("86400", "604801")), malformed);
    assert.equal(verify(presigned.replace("86400", "-1")), malformed);
    assert.equal(verify(presigned.replace("86400", "0")), "AccessDenied");
    assert.equal(verify(presigned.replace("86400", "1e3")), malformed);
    assert.equal(verify(presigned.replace(/&X-Amz-SignedHeaders=host/, "")), malformed);
    assert.equal(verify(presigned.replace("20130524%2F", "20130525%2F")), malformed);
    assert.equal(verify(presigned, ["x-amz-acl", "public-read"]), "AccessDenied");
    assert.equal(verify(presigned, signedBy("host", "0".repeat(64))), "InvalidArgument");
  });

  it("refuses what AWS refuses, by its code", () => {
    const signature = "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41";
    const names = "host;range;x-amz-content-sha256;x-amz-date";
    const given = new Map<string, string>([
      ["Host", host],
      ["Range", "bytes=0-9"],
      ["x-amz-content-sha256", emptyHash],
      ["x-amz-date", at],
      signedBy(names, signature),
    ]);
    const verify = (change: Record<string, string | undefined>, now = then) => {
      const headers = new Map(given);
      for (const [name, value] of Object.entries(change))
        if (value === undefined) headers.delete(name);
        else headers.set(name, value);
      return codeOf(() => signaturesAt(now).verify(requestOf("GET", "/test.txt", [...headers])));
    };
    const authorization = given.get("Authorization")!;
    const changed = (from: string | RegExp, to: string) => ({
      Authorization: authorization.replace(from, to),
    });
    assert.equal(verify({}), "");
    assert.equal(verify({ Range: "bytes=0-8" }), "SignatureDoesNotMatch");
    assert.equal(verify(changed("f0e8", "f0e9")), "SignatureDoesNotMatch");
    assert.equal(verify(changed("us-east-1", "us-west-2")), "SignatureDoesNotMatch");
    assert.equal(verify(changed(accessKeyId, "AKIAOTHER")), "InvalidAccessKeyId");
    assert.equal(verify({}, then + 15 * 60_000 + 1), "RequestTimeTooSkewed");
    assert.equal(verify({}, then - 15 * 60_000 - 1), "RequestTimeTooSkewed");
    assert.equal(verify({}, then + 15 * 60_000), "");
    assert.equal(verify({ "x-amz-date": undefined }), "AccessDenied");
    assert.equal(verify({ "x-amz-date": "20130525T000000Z" }), "AuthorizationHeaderMalformed");
    assert.equal(verify({ "x-amz-content-sha256": undefined }), "InvalidRequest");
    assert.equal(verify({ "x-amz-acl": "public-read" }), "AccessDenied");
    assert.equal(verify({ "x-amz-security-token": "stolen" }), "InvalidToken");
    assert.equal(verify(changed(`Signature=${signature}`, "")), "AuthorizationHeaderMalformed");
    assert.equal(verify(changed("/20130524", "/today")), "AuthorizationHeaderMalformed");
    assert.equal(verify(changed("aws4_request", "aws5")), "AuthorizationHeaderMalformed");
    assert.equal(verify({ Authorization: "AWS AKIA:sig" }), "InvalidAccessKeyId");
    assert.equal(verify({ Authorization: "AWS2-HMAC-SHA1 x" }), "InvalidRequest");
    assert.equal(verify({ Authorization: "Bearer x" }), "InvalidArgument");
  });

  it("accepts letters beyond ASCII that boto3 signs in UTF-8, sent so and sent in Latin-1", () => {
    const verify = (value: string) =>
      codeOf(() =>
        signatures.verify(
          requestOf("PUT", "/k", [
            ["Host", host],
            ["x-amz-content-sha256", emptyHash],
            ["x-amz-date", at],
            ["x-amz-meta-u", value],
            signedBy(
              "host;x-amz-content-sha256;x-amz-date;x-amz-meta-u",
              "3c7482f2bb323b16a1425927b88094a065e83b513bdc63aa18951921dcd0ca4a",
            ),
          ]),
        ),
      );
    assert.equal(verify("Gr\u00fc\u00dfe"), "");
    assert.equal(verify(Buffer.from("Gr\u00fc\u00dfe").toString("latin1")), "");
    assert.equal(verify("Grusse"), "SignatureDoesNotMatch");
  });

  it("tells who finds that signatures differ what it has signed itself", () => {
    const request = requestOf("GET", presigned.replace("test.txt", "a b"), [["Host", host]]);
    assert.throws(
      () => signatures.verify(request),
      ({ fields }: AwsError) => fields["CanonicalRequest"]!.startsWith("GET\n/a%20b\nX-Amz-Alg"),
    );
  });

  it("takes a request without any signature as an anonymous one", () => {
    const verified = signatures.verify(requestOf("GET", "/x?versionId=3", [["Host", host]]));
    assert.deepEqual([verified.principal.kind, verified.way], ["anonymous", "anonymous"]);
  });

  it("tells a service from what is claimed, in the header and in the query", () => {
    const scope = { day: "20130524", region: "us-east-1", service: "s3" };
    assert.deepEqual(scopeOf(requestOf("GET", presigned, [])), scope);
    assert.deepEqual(scopeOf(requestOf("GET", "/", [signedBy("host", "00")])), scope);
    assert.equal(scopeOf(requestOf("GET", "/", [])), undefined);
  });

  it("agrees with the AWS SDK's own signer on any path, query, header and service", async () => {
    const text = fc.string({ unit: "binary", maxLength: 12 });
    // A slash that is written "%2F" counts as one, as with S3; the SDK's clients never write it so.
    const segment = text.filter((one) => one !== "." && one !== ".." && !one.includes("/"));
    const value = fc.string({ unit: "grapheme-ascii", maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(
        fc.array(segment, { maxLength: 4 }),
        fc.dictionary(
          // The signer that it is held against loses what an object's own words hide.
          text.filter((one) => one !== "" && one !== "__proto__"),
          text,
          { maxKeys: 4 },
        ),
        value,
        fc.constantFrom("s3", "iam"),
        fc.boolean(),
        async (segments, query, header, service, isPresigned) => {
          const signer = new SignatureV4({
            service,
            region: "us-east-1",
            sha256: Sha256,
            credentials: { accessKeyId, secretAccessKey: secret },
            uriEscapePath: service !== "s3",
            applyChecksum: service === "s3",
          });
          // Empty segments are of S3 only: all others resolve them before they sign.
          const kept = service === "s3" ? segments : segments.filter((one) => one !== "");
          const path = `/${kept.map(strictly).join("/")}`;
          const unsigned = {
            method: "PUT",
            protocol: "https:",
            hostname: host,
            path,
            query,
            headers: {
              host,
              "x-amz-meta-any": header,
              // As the SDK's presigner of S3 does.
              ...(isPresigned &&
                service === "s3" && { "x-amz-content-sha256": "UNSIGNED-PAYLOAD" }),
            },
          };
          const signingDate = new Date(then);
          const signed = await (isPresigned
            ? signer.presign(unsigned, {
                signingDate,
                unhoistableHeaders: new Set(["x-amz-meta-any"]),
                unsignableHeaders: new Set(["x-amz-content-sha256"]),
              })
            : signer.sign(unsigned, { signingDate }));
          const pairs = Object.entries(signed.query ?? {}).map(
            ([name, one]) => `${strictly(name)}=${strictly(String(one))}`,
          );
          const url = path + (pairs.length > 0 ? `?${pairs.toReversed().join("&")}` : "");
          const request = requestOf("PUT", url, Object.entries(signed.headers));
          assert.equal(signatures.verify(request, new Uint8Array()).service, service);
          const other: SignedRequest = { ...request, method: "GET" };
          assert.equal(
            codeOf(() => signatures.verify(other, new Uint8Array())),
            "SignatureDoesNotMatch",
          );
        },
      ),
      { numRuns: 300 },
    );
  });
});

function strictly(text: string): string {
  return encodeURIComponent(text.toWellFormed()).replaceAll(
    /[!'()*]/g,
    (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

class Sha256 {
  #hash;
  constructor(key?: unknown) {
    this.#hash = key === undefined ? createHash("sha256") : createHmac("sha256", key as Uint8Array);
  }
  update(data: Uint8Array | string) {
    this.#hash.update(data);
  }
  reset() {}
  async digest() {
    return this.#hash.digest();
  }
}
