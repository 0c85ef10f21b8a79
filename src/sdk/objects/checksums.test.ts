import assert from "node:assert/strict";
import { test } from "node:test";
import { crc32Of, verifierOf } from "./checksums.ts";

test("verifierOf() knows the five checksums and the MD5, and refuses other bytes", async () => {
  // Of "123456789", from the catalogue of parametrised CRC algorithms and FIPS 180.
  const content = Buffer.from("123456789");
  const of = (hex: string) => Buffer.from(hex, "hex").toString("base64");
  const known: [headers: Record<string, string>, etag: string][] = [
    [{ "x-amz-checksum-crc32": of("cbf43926") }, ""],
    [{ "x-amz-checksum-crc32c": of("e3069283") }, ""],
    [{ "x-amz-checksum-crc64nvme": of("ae8b14860a799888") }, ""],
    [{ "x-amz-checksum-sha1": of("f7c3bc1d808e04732adf679965ccc34ca7ae3441") }, ""],
    [
      {
        "x-amz-checksum-sha256": of(
          "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225",
        ),
      },
      "",
    ],
    [{}, "25f9e794323b453885f5181f1b624d0b"],
  ];
  for (const [headers, etag] of known) {
    const right = (await verifierOf(headers, etag))!;
    right.update(content.subarray(0, 4));
    right.update(content.subarray(4));
    right.verify();
    const wrong = (await verifierOf(headers, etag))!;
    wrong.update(Buffer.from("123456780"));
    assert.throws(() => wrong.verify(), { code: "damaged" });
  }
  assert.equal(crc32Of(content), of("cbf43926"));
});

test("verifierOf() says nothing of what is no checksum of the bytes", async () => {
  assert.equal(await verifierOf({ "x-amz-checksum-crc32": "AAAAAA==-2" }, "00-2"), undefined);
  const sealed = { "x-amz-server-side-encryption": "aws:kms" };
  assert.equal(await verifierOf(sealed, "25f9e794323b453885f5181f1b624d0b"), undefined);
});
