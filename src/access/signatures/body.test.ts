import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, it } from "node:test";
import fc from "fast-check";
import { AwsError } from "#/model/aws-error.ts";
import { bodyReader, verifiedBytes, verifiedPieces } from "./body.ts";
import type { Content } from "./content.ts";
import { signingKeyOf } from "./signing-key.ts";

/** AWS's own examples (API_s3: sigv4-streaming, sigv4-streaming-trailers). */
const scope = { day: "20130524", region: "us-east-1", service: "s3" };
const seed = {
  key: signingKeyOf("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", scope),
  at: "20130524T000000Z",
  scope: "20130524/us-east-1/s3/aws4_request",
  signature: "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9",
};
const plain = Buffer.alloc(66_560, "a");
const body = Buffer.from(
  `10000;chunk-signature=ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648\r\n${"a".repeat(65_536)}\r\n` +
    `400;chunk-signature=0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497\r\n${"a".repeat(1024)}\r\n` +
    "0;chunk-signature=b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9\r\n\r\n",
);
type Chunks = Extract<Content, { kind: "chunks" }>;
const content: Chunks = {
  kind: "chunks",
  decodedBytes: 66_560,
  hasTrailer: false,
  trailers: [],
  seed,
};
const withTrailer: Chunks = {
  ...content,
  hasTrailer: true,
  trailers: ["x-amz-checksum-crc32c"],
  seed: {
    ...seed,
    signature: "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e",
  },
};
const trailerBody = Buffer.from(
  `10000;chunk-signature=b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2\r\n${"a".repeat(65_536)}\r\n` +
    `400;chunk-signature=1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7\r\n${"a".repeat(1024)}\r\n` +
    "0;chunk-signature=2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992\r\n" +
    "x-amz-checksum-crc32c:sOO8/Q==\r\n" +
    "x-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n\r\n",
);

function codeOf(bytes: Uint8Array, asked: Content): string {
  try {
    verifiedBytes(bytes, asked);
  } catch (thrown) {
    assert.ok(thrown instanceof AwsError, String(thrown));
    return thrown.awsCode;
  }
  return "";
}

const replaced = (bytes: Buffer, from: string, to: string) =>
  Buffer.from(bytes.toString("latin1").replace(from, to), "latin1");

function unsignedBody(chunks: readonly string[], trailer = ""): Buffer {
  const parts = chunks.map((one) => `${one.length.toString(16)}\r\n${one}\r\n`);
  return Buffer.from(`${parts.join("")}0\r\n${trailer}\r\n`);
}

const unsigned = (decodedBytes: number, trailers: string[] = []): Content => ({
  kind: "chunks",
  decodedBytes,
  hasTrailer: true,
  trailers,
});

describe("bodyReader()", () => {
  it("accepts AWS's example of signed chunks, and of signed trailers", () => {
    assert.deepEqual(Buffer.from(verifiedBytes(body, content).bytes), plain);
    const { bytes, trailers } = verifiedBytes(trailerBody, withTrailer);
    assert.deepEqual(Buffer.from(bytes), plain);
    assert.deepEqual(trailers, { "x-amz-checksum-crc32c": "sOO8/Q==" });
  });

  it("gives the same bytes however they come in pieces", async () => {
    const cuts = fc.array(fc.integer({ min: 0, max: trailerBody.length }), { maxLength: 40 });
    const both = fc.constantFrom([body, content] as const, [trailerBody, withTrailer] as const);
    await fc.assert(
      fc.asyncProperty(both, cuts, async ([bytes, asked], at) => {
        const marks = [
          0,
          ...at.filter((one) => one < bytes.length).sort((a, b) => a - b),
          bytes.length,
        ];
        async function* pieces() {
          for (let i = 1; i < marks.length; i++) yield bytes.subarray(marks[i - 1], marks[i]);
        }
        const given: Uint8Array[] = [];
        for await (const piece of verifiedPieces(pieces(), bodyReader(asked))) given.push(piece);
        assert.ok(Buffer.concat(given).equals(plain));
      }),
      { numRuns: 60 },
    );
  });

  it("refuses bytes, chunks and trailers that were changed, left out or added", () => {
    const mismatch = "SignatureDoesNotMatch";
    assert.equal(codeOf(replaced(body, "\r\naaa", "\r\naab"), content), mismatch);
    assert.equal(codeOf(replaced(trailerBody, "sOO8/Q==", "sOO8/R=="), withTrailer), mismatch);
    assert.equal(codeOf(body, { ...content, seed: withTrailer.seed! }), mismatch);
    const [first, , last] = body.toString("latin1").split(/(?=400;)|(?=\b0;)/);
    assert.equal(codeOf(Buffer.from(first! + last!, "latin1"), content), mismatch);
    const unnamed = { ...withTrailer, trailers: [] };
    assert.equal(codeOf(trailerBody, unnamed), "MalformedTrailerError");
    const more = { ...withTrailer, trailers: ["x-amz-checksum-crc32c", "x-amz-checksum-sha1"] };
    assert.equal(codeOf(trailerBody, more), "MalformedTrailerError");
    assert.equal(codeOf(Buffer.concat([body, body]), content), "InvalidRequest");
  });

  it("refuses every body that ends before its end", () => {
    for (const end of [0, 50, 100, 65_000, 65_700, 66_800, body.length - 3])
      assert.equal(codeOf(body.subarray(0, end), content), "IncompleteBody", String(end));
  });

  it("refuses chunks that are longer together, or shorter, than was said", () => {
    const bytes = unsignedBody(["hello"]);
    assert.equal(codeOf(bytes, unsigned(5)), "");
    assert.equal(codeOf(bytes, unsigned(4)), "IncompleteBody");
    assert.equal(codeOf(bytes, unsigned(6)), "IncompleteBody");
  });

  it("accepts chunks without signatures, and their trailers", () => {
    const long = "x".repeat(8192);
    const bytes = unsignedBody([long, "short"], "x-amz-checksum-crc32:AAAAAA==\r\n");
    const { bytes: given, trailers } = verifiedBytes(
      bytes,
      unsigned(8197, ["x-amz-checksum-crc32"]),
    );
    assert.equal(Buffer.from(given).toString(), `${long}short`);
    assert.deepEqual(trailers, { "x-amz-checksum-crc32": "AAAAAA==" });
  });

  it("refuses a short chunk before the last, as S3 does", () => {
    assert.equal(codeOf(unsignedBody(["short", "last"]), unsigned(9)), "InvalidChunkSizeError");
  });

  it("refuses what are no chunks, without reading on for ever", () => {
    assert.equal(codeOf(Buffer.from("hello\r\n"), unsigned(5)), "InvalidRequest");
    assert.equal(codeOf(Buffer.alloc(600, "f"), unsigned(5)), "InvalidRequest");
    assert.equal(codeOf(Buffer.from("5\r\nhelloX\r\n"), unsigned(5)), "InvalidRequest");
    const flood = unsignedBody([], `x-a:${"b".repeat(20_000)}\r\n`);
    assert.equal(codeOf(flood, unsigned(0, ["x-a"])), "MalformedTrailerError");
  });

  it("holds a body against its promised hash", () => {
    const sha256 = createHash("sha256").update(plain).digest("hex");
    assert.equal(codeOf(plain, { kind: "hash", sha256 }), "");
    assert.equal(codeOf(body, { kind: "hash", sha256 }), "XAmzContentSHA256Mismatch");
    const reader = bodyReader({ kind: "hash", sha256 });
    for (let at = 0; at < plain.length; at += 1000) reader.push(plain.subarray(at, at + 1000));
    reader.end();
  });
});
