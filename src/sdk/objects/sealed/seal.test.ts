import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { bytesOf } from "#/base/body.ts";
import { nodeRandom } from "#/base/node/random.ts";
import { newMasterKey, passphraseKey } from "./keys.ts";
import {
  envelopeOf,
  envelopeName,
  formatEnvelope,
  newDataKey,
  open,
  openChunks,
  openDataKey,
  openLast,
  renamed,
  seal,
  sealedSize,
  shapeOf,
  type DataKey,
} from "./seal.ts";

const master = newMasterKey(nodeRandom);
const name = { bucket: "b", key: "k" };
const chunkBytes = 64 * 1024;

async function* inPieces(content: Uint8Array, pieceBytes: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < content.length; at += pieceBytes)
    yield content.subarray(at, at + pieceBytes);
}

const sealed = (content: Uint8Array, dataKey: DataKey) =>
  bytesOf(seal(inPieces(content, 50_001), dataKey));
const opened = (bytes: Uint8Array, dataKey: DataKey, sizeBytes = bytes.length) =>
  bytesOf(open(inPieces(bytes, 33_333), dataKey, sizeBytes));
const contentOf = (sizeBytes: number) => Buffer.from(nodeRandom.bytes(sizeBytes));

describe("seal()", () => {
  it("is undone by open(), whatever the size, and is as large as sealedSize() says", async () => {
    const edges = [0, 1, chunkBytes - 1, chunkBytes, chunkBytes + 1, 3 * chunkBytes];
    for (const sizeBytes of edges) {
      const dataKey = newDataKey(master, nodeRandom, name);
      const content = contentOf(sizeBytes);
      const bytes = await sealed(content, dataKey);
      assert.equal(bytes.length, sealedSize(sizeBytes));
      assert.equal(shapeOf(dataKey, bytes.length).plainBytes, sizeBytes);
      const again = openDataKey(
        envelopeOf({ [envelopeName]: formatEnvelope(dataKey.envelope) })!,
        master,
      );
      assert.ok((await opened(bytes, again)).equals(content));
    }
  });

  it("leaves nothing of the content to be seen, and seals the same otherwise each time", async () => {
    const content = Buffer.alloc(200_000, "a secret of mine ");
    const one = await sealed(content, newDataKey(master, nodeRandom, name));
    const two = await sealed(content, newDataKey(master, nodeRandom, name));
    assert.equal(one.includes("secret"), false);
    assert.notDeepEqual(one.subarray(0, 64), two.subarray(0, 64));
  });
});

describe("open()", () => {
  it("refuses what was changed, cut, lengthened, moved or brought from another object, wherever that is", async () => {
    const dataKey = newDataKey(master, nodeRandom, name);
    const content = contentOf(3 * chunkBytes + 1000);
    const bytes = await sealed(content, dataKey);
    const other = await sealed(content, newDataKey(master, nodeRandom, name));
    const full = chunkBytes + 16;
    const damaged = { code: "damaged" };
    await fc.assert(
      fc.asyncProperty(
        fc.nat(bytes.length - 1),
        fc.integer({ min: 1, max: 255 }),
        async (at, by) => {
          const changed = Buffer.from(bytes);
          changed[at]! ^= by;
          await assert.rejects(opened(changed, dataKey), damaged);
          await assert.rejects(opened(bytes.subarray(0, at), dataKey), damaged);
          // Also where the store lies about the size.
          await assert.rejects(opened(bytes.subarray(0, at), dataKey, bytes.length), damaged);
        },
      ),
      { numRuns: 60 },
    );
    const chunk = (of: Buffer, number: number) => of.subarray(number * full, (number + 1) * full);
    const rest = bytes.subarray(2 * full);
    for (const wrong of [
      Buffer.concat([chunk(bytes, 1), chunk(bytes, 0), rest]),
      Buffer.concat([chunk(other, 0), chunk(bytes, 1), rest]),
      Buffer.concat([chunk(bytes, 0), chunk(bytes, 0), rest]),
      Buffer.concat([chunk(bytes, 0), rest]),
      Buffer.concat([bytes, Buffer.alloc(1)]),
      Buffer.concat([bytes.subarray(0, 3 * full), bytes.subarray(-56)]),
      other,
    ])
      await assert.rejects(opened(wrong, dataKey), damaged);
  });

  it("refuses a key that is another, and an envelope that was changed", async () => {
    const { envelope } = newDataKey(master, nodeRandom, name);
    assert.throws(() => openDataKey(envelope, newMasterKey(nodeRandom)), {
      code: "unauthenticated",
    });
    assert.throws(() => openDataKey({ ...envelope, chunkBytes: 1024 }, master), {
      code: "damaged",
    });
    assert.throws(() => envelopeOf({ [envelopeName]: "e30" }), { code: "damaged" });
  });
});

describe("openDataKey()", () => {
  it("refuses an object in another's place, until its key is sealed anew for that name", async () => {
    const there = { bucket: "b", key: "other" };
    const dataKey = newDataKey(master, nodeRandom, name);
    openDataKey(dataKey.envelope, master, name);
    for (const wrong of [there, { bucket: "c", key: "k" }])
      assert.throws(() => openDataKey(dataKey.envelope, master, wrong), { code: "damaged" });
    const claimed = newDataKey(master, nodeRandom, there).envelope.name;
    const changed = { ...dataKey.envelope, name: claimed };
    assert.throws(() => openDataKey(changed, master, there), /its envelope was changed/);
    const moved = openDataKey(renamed(dataKey, master, nodeRandom, there).envelope, master, there);
    const content = contentOf(100_000);
    assert.ok((await opened(await sealed(content, dataKey), moved)).equals(content));
    assert.ok(openDataKey(dataKey.envelope, master), "without a name, wherever it is");
  });
});

describe("openChunks()", () => {
  it("opens a part, after openLast() has said where the object ends", async () => {
    const dataKey = newDataKey(master, nodeRandom, name);
    const content = contentOf(3 * chunkBytes + 1000);
    const bytes = await sealed(content, dataKey);
    const shape = shapeOf(dataKey, bytes.length);
    openLast(bytes.subarray(-56), dataKey, shape);
    const part = bytes.subarray(shape.fullBytes, 3 * shape.fullBytes);
    const plain = await bytesOf(openChunks(inPieces(part, 1000), dataKey, shape, 1));
    assert.ok(plain.equals(content.subarray(chunkBytes, 3 * chunkBytes)));
    const short = shapeOf(dataKey, bytes.length - shape.fullBytes);
    assert.throws(() => openLast(bytes.subarray(-56), dataKey, short), { code: "damaged" });
  });
});

describe("passphraseKey()", () => {
  it("makes the same key of the same words again, and another of others", async () => {
    const key = await passphraseKey("correct horse", nodeRandom);
    const again = await passphraseKey("correct horse", nodeRandom, key.made);
    const other = await passphraseKey("correct horsf", nodeRandom, key.made);
    assert.deepEqual(again, key);
    assert.notEqual(other.id, key.id);
  });

  it("refuses to take whatever memory and time an envelope asks for", async () => {
    const { made } = await passphraseKey("correct horse", nodeRandom);
    for (const wrong of [{ memoryKiB: 2 ** 32 - 1 }, { passes: 1e6 }, { memoryKiB: 1.5 }])
      await assert.rejects(passphraseKey("correct horse", nodeRandom, { ...made!, ...wrong }), {
        code: "damaged",
      });
  });
});
