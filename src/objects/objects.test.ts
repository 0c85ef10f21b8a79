import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import type { CanopyError } from "#/base/errors.ts";
import type { Files } from "#/base/files.ts";
import { limits } from "#/base/limits.ts";
import { nodeFiles } from "#/base/node/files.ts";
import { FileObjects } from "./files.ts";
import type { Objects } from "./objects.ts";

const root = await mkdtemp(join(tmpdir(), "canopy-objects-"));
after(() => rm(root, { recursive: true }));
let count = 0;

const backends: { name: string; make: () => Promise<Objects> }[] = [
  {
    name: "FileObjects",
    make: () => FileObjects.open({ files: nodeFiles, folder: join(root, String(++count)) }),
  },
];

const bytesOf = async (content: AsyncIterable<Uint8Array>) =>
  Buffer.concat(await Array.fromAsync(content));
const keyOf = (content: Uint8Array) => createHash("sha256").update(content).digest("hex");

async function* inPieces(content: Uint8Array, pieceBytes: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < content.length; at += pieceBytes)
    yield content.subarray(at, at + pieceBytes);
}

for (const { name, make } of backends) {
  describe(name, () => {
    const large = Buffer.alloc(3 * limits.objectInMemoryBytesMax, "canopy ");

    it("put() names content by its SHA-256, however it came", async () => {
      const objects = await make();
      for (const content of [Buffer.from("hello"), Buffer.alloc(0), large]) {
        const key = keyOf(content);
        assert.deepEqual(await objects.put("a", content), { key, sizeBytes: content.length });
        assert.deepEqual(await objects.put("a", inPieces(content, 65_537)), {
          key,
          sizeBytes: content.length,
        });
        assert.deepEqual(await bytesOf((await objects.get("a", key))!.content), content);
      }
    });

    it("get() gives the part asked for, and the size of the whole", async () => {
      const objects = await make();
      const { key } = await objects.put("a", Buffer.from("0123456789"));
      const part = await objects.get("a", key, { offset: 3, length: 4 });
      assert.equal(part!.sizeBytes, 10);
      assert.equal(String(await bytesOf(part!.content)), "3456");
      assert.equal(
        String(await bytesOf((await objects.get("a", key, { offset: 8, length: 99 }))!.content)),
        "89",
      );
    });

    it("keeps projects apart", async () => {
      const objects = await make();
      const { key } = await objects.put("a", Buffer.from("mine"));
      assert.equal(await objects.get("b", key), undefined);
      assert.equal(await objects.stat("b", key), undefined);
      await objects.remove("b", key);
      assert.deepEqual(await objects.stat("a", key), { key, sizeBytes: 4 });
    });

    it("remove() ends an object, and says nothing where there is none", async () => {
      const objects = await make();
      const { key } = await objects.put("a", Buffer.from("gone"));
      await objects.remove("a", key);
      await objects.remove("a", key);
      assert.equal(await objects.get("a", key), undefined);
    });

    it("put() of a source that throws keeps nothing and passes the error on", async () => {
      const objects = await make();
      async function* broken() {
        yield large;
        throw new Error("cut off");
      }
      await assert.rejects(objects.put("a", broken()), /cut off/);
    });

    it("refuses keys that are not keys, so that no path leads outside", async () => {
      const objects = await make();
      await assert.rejects(objects.get("a", "../../../etc/passwd"), { code: "invalid" });
      await assert.rejects(objects.get("../a", keyOf(large)), { code: "invalid" });
    });
  });
}

describe("FileObjects", () => {
  it("leaves no file aside, not even of a source that throws", async () => {
    const folder = join(root, "tidy");
    const objects = await FileObjects.open({ files: nodeFiles, folder });
    async function* broken() {
      yield Buffer.alloc(2 * limits.objectInMemoryBytesMax);
      throw new Error("cut off");
    }
    await assert.rejects(objects.put("a", broken()));
    assert.deepEqual(await readdir(join(folder, ".aside")), []);
  });

  it("put() says that the disk is full before it writes", async () => {
    const full: Files = { ...nodeFiles, freeBytes: async () => limits.diskFreeBytesMin - 1 };
    const objects = await FileObjects.open({ files: full, folder: join(root, "full") });
    await assert.rejects(
      objects.put("a", Buffer.from("x")),
      (thrown: CanopyError) => thrown.code === "no-space",
    );
  });
});
