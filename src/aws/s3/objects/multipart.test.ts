import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { after, before, test } from "node:test";
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetObjectAttributesCommand,
  GetObjectCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
  PutObjectCommand,
  UploadPartCommand,
  UploadPartCopyCommand,
  type ChecksumAlgorithm,
  type CompletedPart,
} from "@aws-sdk/client-s3";
import { startS3 } from "../testing/s3-door.ts";

const Bucket = "uploads";
const large = Buffer.alloc(5 << 20, "0123456789abcdef");
let s3: Awaited<ReturnType<typeof startS3>>;
before(async () => {
  s3 = await startS3(Bucket);
});
after(() => s3.stop());

async function begin(Key: string, more: { ChecksumAlgorithm?: ChecksumAlgorithm } = {}) {
  const command = new CreateMultipartUploadCommand({ Bucket, Key, Metadata: { m: "1" }, ...more });
  return (await s3.client.send(command)).UploadId!;
}
const part = (Key: string, UploadId: string, PartNumber: number, Body: Uint8Array | string) =>
  s3.client.send(new UploadPartCommand({ Bucket, Key, UploadId, PartNumber, Body }));
const complete = (Key: string, UploadId: string, Parts: CompletedPart[]) =>
  s3.client.send(
    new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts } }),
  );

test("an object comes in parts, and is read whole, by range and by part", async () => {
  const UploadId = await begin("k");
  const first = await part("k", UploadId, 1, large);
  await part("k", UploadId, 3, "thrown away");
  const last = await part("k", UploadId, 3, "tail");
  const parts = await s3.client.send(
    new ListPartsCommand({ Bucket, Key: "k", UploadId, MaxParts: 1 }),
  );
  assert.deepEqual([parts.IsTruncated, parts.NextPartNumberMarker], [true, "1"]);
  const Parts = [
    { PartNumber: 1, ETag: first.ETag },
    { PartNumber: 3, ETag: last.ETag },
  ];
  const made = await complete("k", UploadId, Parts);
  const digests = [large, "tail"].map((one) => hash("md5", one, "buffer"));
  assert.equal(made.ETag, `"${hash("md5", Buffer.concat(digests), "hex")}-2"`);
  const again = await s3.raw({
    method: "PUT",
    path: `/${Bucket}/whole`,
    body: Buffer.concat([large, Buffer.from("tail")]),
  });
  assert.equal(made.ChecksumCRC64NVME, again.headers.get("x-amz-checksum-crc64nvme"));
  assert.equal(made.ChecksumType, "FULL_OBJECT");
  assert.equal(made.Location, `${s3.endpoint}/${Bucket}/k`);
  assert.equal((await complete("k", UploadId, Parts)).ETag, made.ETag);
  await assert.rejects(complete("k", "0".repeat(32), Parts), { name: "NoSuchUpload" });
  const whole = await s3.client.send(new GetObjectCommand({ Bucket, Key: "k" }));
  assert.deepEqual(whole.Metadata, { m: "1" });
  assert.deepEqual(
    Buffer.from(await whole.Body!.transformToByteArray()),
    Buffer.concat([large, Buffer.from("tail")]),
  );
  const second = await s3.client.send(new GetObjectCommand({ Bucket, Key: "k", PartNumber: 2 }));
  assert.equal(await second.Body!.transformToString(), "tail");
  assert.deepEqual([second.PartsCount, second.$metadata.httpStatusCode], [2, 206]);
  const across = await s3.client.send(
    new GetObjectCommand({ Bucket, Key: "k", Range: `bytes=${large.length - 2}-` }),
  );
  assert.equal(await across.Body!.transformToString(), "eftail");
});

test("an upload is seen by who lists uploads until it is aborted", async () => {
  const UploadId = await begin("dir/aborted");
  const list = () =>
    s3.client.send(new ListMultipartUploadsCommand({ Bucket, Prefix: "dir/", MaxUploads: 5 }));
  assert.deepEqual(
    (await list()).Uploads?.map((one) => [one.Key, one.UploadId]),
    [["dir/aborted", UploadId]],
  );
  const folded = await s3.client.send(new ListMultipartUploadsCommand({ Bucket, Delimiter: "/" }));
  assert.deepEqual(folded.CommonPrefixes, [{ Prefix: "dir/" }]);
  const abort = () =>
    s3.client.send(new AbortMultipartUploadCommand({ Bucket, Key: "dir/aborted", UploadId }));
  await abort();
  assert.equal((await list()).Uploads, undefined);
  await assert.rejects(abort(), { name: "NoSuchUpload" });
  await assert.rejects(part("dir/aborted", UploadId, 1, "x"), { name: "NoSuchUpload" });
});

test("CompleteMultipartUpload refuses what is no list of the parts that there are", async () => {
  const UploadId = await begin("refused");
  const one = { PartNumber: 1, ETag: (await part("refused", UploadId, 1, "1")).ETag };
  const two = { PartNumber: 2, ETag: (await part("refused", UploadId, 2, "2")).ETag };
  for (const [parts, name] of [
    [[two, one], "InvalidPartOrder"],
    [[one, one], "InvalidPartOrder"],
    [[{ ...one, ETag: two.ETag }], "InvalidPart"],
    [[{ ...one, PartNumber: 9 }], "InvalidPart"],
    [[{ ...one, PartNumber: 0 }], "InvalidArgument"],
    [[one, two], "EntityTooSmall"],
    [[], "MalformedXML"],
  ] as const)
    await assert.rejects(complete("refused", UploadId, [...parts]), { name });
  const path = `/${Bucket}/refused`;
  const post = (body: string) =>
    s3.raw({ method: "POST", path, query: { uploadId: UploadId }, body });
  const many = "<Part><PartNumber>1</PartNumber><ETag>x</ETag></Part>".repeat(10_001);
  assert.equal((await post("")).code, "InvalidRequest");
  for (const body of ["<a/>", "<CompleteMultipartUpload><Part/></CompleteMultipartUpload>"])
    assert.equal((await post(body)).code, "MalformedXML");
  const listed = `<CompleteMultipartUpload>${many}</CompleteMultipartUpload>`;
  assert.equal((await post(listed)).code, "MalformedXML");
  assert.equal((await complete("refused", UploadId, [one])).ETag?.endsWith('-1"'), true);
});

test("UploadPart refuses numbers beyond 10,000, and uploads of other keys", async () => {
  const UploadId = await begin("numbers");
  await assert.rejects(part("numbers", UploadId, 0, "x"), { name: "InvalidArgument" });
  await assert.rejects(part("numbers", UploadId, 10_001, "x"), { name: "InvalidArgument" });
  await part("numbers", UploadId, 10_000, "x");
  await assert.rejects(part("others", UploadId, 1, "x"), { name: "NoSuchUpload" });
});

test("UploadPart holds a part against its checksum, also where the upload keeps another", async () => {
  const UploadId = await begin("held");
  for (const body of ["small", Buffer.alloc(2 << 20, "large")])
    for (const [sum, code] of [
      ["AAAAAA==", "BadDigest"],
      ["bad", "InvalidRequest"],
    ] as const) {
      const answer = await s3.raw({
        method: "PUT",
        path: `/${Bucket}/held`,
        query: { uploadId: UploadId, partNumber: "1" },
        headers: { "x-amz-checksum-crc32": sum },
        body,
      });
      assert.equal(answer.code, code);
    }
});

test("checksums of parts become that of the object, composite or of all its bytes", async () => {
  for (const [algorithm, type] of [
    ["SHA256", "COMPOSITE"],
    ["CRC64NVME", "FULL_OBJECT"],
  ] as const) {
    const field = `Checksum${algorithm}` as const;
    const UploadId = await begin(algorithm, { ChecksumAlgorithm: algorithm });
    const raw = async (number: number, body: Uint8Array) => {
      const answer = await s3.raw({
        method: "PUT",
        path: `/${Bucket}/${algorithm}`,
        query: { uploadId: UploadId, partNumber: String(number) },
        body,
        ...(algorithm === "SHA256" && {
          headers: { "x-amz-checksum-sha256": hash("sha256", body, "base64") },
        }),
      });
      const sum = answer.headers.get(`x-amz-checksum-${algorithm.toLowerCase()}`);
      return { PartNumber: number, ETag: answer.headers.get("etag")!, [field]: sum! };
    };
    const parts = [await raw(1, large), await raw(2, Buffer.from("tail"))];
    if (type === "COMPOSITE") {
      const silent = await s3.raw({
        method: "PUT",
        path: `/${Bucket}/${algorithm}`,
        query: { uploadId: UploadId, partNumber: "3" },
        body: "x",
      });
      assert.equal(silent.code, "InvalidRequest");
    }
    const bare = parts.map(({ PartNumber, ETag }) => ({ PartNumber, ETag }));
    if (type === "COMPOSITE")
      await assert.rejects(complete(algorithm, UploadId, bare), { name: "InvalidRequest" });
    const wrong = [{ ...parts[0]!, [field]: parts[1]![field] }, parts[1]!];
    await assert.rejects(complete(algorithm, UploadId, wrong), { name: "InvalidPart" });
    const made = await complete(algorithm, UploadId, parts);
    assert.equal(made.ChecksumType, type);
    if (type === "COMPOSITE") {
      const sums = parts.map((one) => Buffer.from(String(one[field]), "base64"));
      assert.equal(made[field], `${hash("sha256", Buffer.concat(sums), "base64")}-2`);
    } else {
      const whole = await s3.raw({
        method: "PUT",
        path: `/${Bucket}/whole`,
        body: Buffer.concat([large, Buffer.from("tail")]),
      });
      assert.equal(made[field], whole.headers.get("x-amz-checksum-crc64nvme"));
    }
    const told = await s3.client.send(
      new GetObjectAttributesCommand({
        Bucket,
        Key: algorithm,
        ObjectAttributes: ["Checksum", "ObjectParts"],
      }),
    );
    assert.equal(told.Checksum?.[field], made[field]);
    assert.equal(told.ObjectParts?.TotalPartsCount, 2);
    assert.equal(told.ObjectParts.Parts?.length, type === "COMPOSITE" ? 2 : undefined);
  }
});

test("UploadPartCopy takes a range of another object", async () => {
  await s3.client.send(new PutObjectCommand({ Bucket, Key: "source ü", Body: "0123456789" }));
  const UploadId = await begin("copied");
  const copy = (CopySourceRange?: string) =>
    s3.client.send(
      new UploadPartCopyCommand({
        Bucket,
        Key: "copied",
        UploadId,
        PartNumber: 1,
        CopySource: `${Bucket}/${encodeURIComponent("source ü")}`,
        CopySourceRange,
      }),
    );
  const made = await copy("bytes=2-5");
  for (const range of ["bytes=2-10", "2-5", "bytes=5-2", "bytes=3-"])
    await assert.rejects(copy(range), { name: "InvalidArgument" });
  await complete("copied", UploadId, [{ PartNumber: 1, ETag: made.CopyPartResult?.ETag }]);
  const got = await s3.client.send(new GetObjectCommand({ Bucket, Key: "copied" }));
  assert.equal(await got.Body!.transformToString(), "2345");
});
