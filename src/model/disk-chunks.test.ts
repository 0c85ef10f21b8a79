import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ChunkCodec, readManifest } from "./disk-chunks.ts";

const key = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes));
const content = fc.uint8Array({ minLength: 1, maxLength: 2000 });
const codecOf = (of: Buffer | undefined) => new ChunkCodec(of?.toString("base64"));

test("decode() gives back what encode() was given, sealed or not, and equal chunks of one key stay equal", async () => {
  await fc.assert(
    fc.asyncProperty(content, fc.option(key, { nil: undefined }), async (bytes, own) => {
      const { key: name, blob } = await codecOf(own).encode(bytes);
      assert.deepEqual([...(await codecOf(own).decode(blob, name, bytes.length))], [...bytes]);
      assert.equal((await codecOf(own).encode(bytes)).key, name);
    }),
    { numRuns: 50 },
  );
});

test("under two keys nothing is equal, and neither opens what the other sealed", async () => {
  await fc.assert(
    fc.asyncProperty(content, key, key, async (bytes, one, two) => {
      fc.pre(!one.equals(two));
      const sealed = await codecOf(one).encode(bytes);
      assert.notEqual((await codecOf(two).encode(bytes)).key, sealed.key);
      assert.notEqual(codecOf(one).digest(bytes), codecOf(two).digest(bytes));
      for (const other of [codecOf(two), codecOf(undefined)])
        await assert.rejects(other.decode(sealed.blob, sealed.key, bytes.length), {
          code: "damaged",
        });
    }),
    { numRuns: 30 },
  );
});

test("decode() refuses a blob that is another than its name says, and one that unpacks to another length", async () => {
  const codec = codecOf(undefined);
  const { key: name, blob } = await codec.encode(Buffer.alloc(4096, 1));
  const other = Buffer.from(blob);
  other[other.length - 1]! ^= 1;
  await assert.rejects(codec.decode(other, name, 4096), { code: "damaged" });
  await assert.rejects(codec.decode(blob, name, 4095), { code: "damaged" });
  await assert.rejects(codec.decode(blob, name, 4097), { code: "damaged" });
});

test("readManifest() refuses what is no list of a disk's chunks", () => {
  const good = { sizeBytes: 1024, chunkBytes: 512, chunks: [null, "a".repeat(64)] };
  assert.deepEqual(readManifest(Buffer.from(JSON.stringify(good))), good);
  for (const bad of [
    "no JSON",
    "null",
    "[]",
    JSON.stringify({ ...good, sizeBytes: 1023 }),
    JSON.stringify({ ...good, sizeBytes: 2 ** 60 }),
    JSON.stringify({ ...good, chunkBytes: 2 ** 30 }),
    JSON.stringify({ ...good, chunks: [null] }),
    JSON.stringify({ ...good, chunks: [null, "../../etc/passwd"] }),
  ])
    assert.throws(() => readManifest(Buffer.from(bad)), { code: "damaged" }, bad);
});
