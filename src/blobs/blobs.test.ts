import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import type { CanopyError } from "#/base/errors.ts";
import type { Files } from "#/base/files.ts";
import { limits } from "#/base/limits.ts";
import { nodeClock } from "#/base/node/clock.ts";
import { nodeFiles } from "#/base/node/files.ts";
import { PostgresDatabase } from "#/base/node/postgres/database.ts";
import { PostgresServers } from "#/base/node/postgres/servers.ts";
import { postgresMissing, PostgresServer } from "#/base/testing/postgres-server.ts";
import { FileBlobs } from "./files.ts";
import type { Blobs } from "./blobs.ts";
import { PostgresBlobs } from "./postgres.ts";

const root = await mkdtemp(join(tmpdir(), "canopy-blobs-"));
after(() => rm(root, { recursive: true }));
let count = 0;

const postgres = postgresMissing === undefined ? await PostgresServer.start() : undefined;
const databases: PostgresDatabase[] = [];
after(() => {
  for (const database of databases) database.close();
  postgres?.destroy();
});

function databaseOf(schema: string): PostgresDatabase {
  const database = new PostgresDatabase(new PostgresServers(`${postgres!.url}?schema=${schema}`));
  databases.push(database);
  return database;
}

const hourMs = 60 * 60_000;

interface Backend {
  name: string;
  skip: string | false;
  make: () => Promise<Blobs>;
  /** As if the one that was made last had not touched a blob for so long. */
  age: (project: string, key: string, byMs: number) => Promise<unknown>;
}

const backends: Backend[] = [
  {
    name: "FileBlobs",
    skip: false,
    make: () =>
      FileBlobs.open({ files: nodeFiles, clock: nodeClock, folder: join(root, String(++count)) }),
    age: (project, key, byMs) =>
      nodeFiles.touch(
        join(root, String(count), project, key.slice(0, 2), key),
        nodeClock.now() - byMs,
      ),
  },
  {
    name: "PostgresBlobs",
    skip: postgresMissing ?? false,
    make: () => PostgresBlobs.open({ database: databaseOf(`o${++count}`) }),
    age: (project, key, byMs) =>
      databaseOf(`o${count}`).query(
        `UPDATE o${count}.blobs SET touched = touched - $3 * interval '1 millisecond' WHERE project = $1 AND key = $2`,
        [project, key, byMs],
      ),
  },
];

const bytesOf = async (content: AsyncIterable<Uint8Array>) =>
  Buffer.concat(await Array.fromAsync(content));
const keyOf = (content: Uint8Array) => createHash("sha256").update(content).digest("hex");

async function* inPieces(content: Uint8Array, pieceBytes: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < content.length; at += pieceBytes)
    yield content.subarray(at, at + pieceBytes);
}

for (const { name, skip, make, age } of backends) {
  describe(name, { skip }, () => {
    const large = Buffer.alloc(3 * limits.blobInMemoryBytesMax, "canopy ");

    it("put() names content by its SHA-256, however it came", async () => {
      const blobs = await make();
      for (const content of [Buffer.from("hello"), Buffer.alloc(0), large]) {
        const key = keyOf(content);
        assert.deepEqual(await blobs.put("a", content), { key, sizeBytes: content.length });
        assert.deepEqual(await blobs.put("a", inPieces(content, 65_537)), {
          key,
          sizeBytes: content.length,
        });
        assert.deepEqual(await bytesOf((await blobs.get("a", key))!.content), content);
      }
    });

    it("get() gives the part asked for, and the size of the whole", async () => {
      const blobs = await make();
      const { key } = await blobs.put("a", Buffer.from("0123456789"));
      const part = await blobs.get("a", key, { offset: 3, length: 4 });
      assert.equal(part!.sizeBytes, 10);
      assert.equal(String(await bytesOf(part!.content)), "3456");
      assert.equal(
        String(await bytesOf((await blobs.get("a", key, { offset: 8, length: 99 }))!.content)),
        "89",
      );
    });

    it("get() gives any part of what is kept in pieces", async () => {
      const blobs = await make();
      const content = Buffer.from(
        Array.from({ length: 300_000 }, (_, at) => at.toString(36)).join(),
      );
      const { key } = await blobs.put("a", inPieces(content, 100_001));
      for (const offset of [0, 1, 1_048_575, 1_048_576, 1_048_577, content.length - 1]) {
        for (const length of [0, 1, 2, 1_048_576, content.length]) {
          const part = await blobs.get("a", key, { offset, length });
          assert.ok(
            (await bytesOf(part!.content)).equals(content.subarray(offset, offset + length)),
            `${length} bytes from ${offset}`,
          );
        }
      }
    });

    it("put() of the same content at the same time keeps it once", async () => {
      const blobs = await make();
      const all = await Promise.all(
        Array.from({ length: 4 }, () => blobs.put("a", inPieces(large, 100_001))),
      );
      assert.deepEqual(new Set(all.map(({ key }) => key)), new Set([keyOf(large)]));
      assert.ok((await bytesOf((await blobs.get("a", keyOf(large)))!.content)).equals(large));
    });

    it("keeps projects apart", async () => {
      const blobs = await make();
      const { key } = await blobs.put("a", Buffer.from("mine"));
      assert.equal(await blobs.get("b", key), undefined);
      assert.equal(await blobs.stat("b", key), undefined);
      await blobs.remove("b", key);
      assert.deepEqual(await blobs.stat("a", key), { key, sizeBytes: 4 });
    });

    it("projects() and list() tell of all blobs, and of nothing else", async () => {
      const blobs = await make();
      assert.deepEqual(await blobs.projects(), []);
      const put = [
        await blobs.put("a", Buffer.from("one")),
        await blobs.put("a", inPieces(large, 65_537)),
      ];
      await blobs.put("b", Buffer.from("two"));
      assert.deepEqual((await blobs.projects()).toSorted(), ["a", "b"]);
      const listed = await Array.fromAsync(blobs.list("a"));
      const byKey = (a: { key: string }, b: { key: string }) => (a.key < b.key ? -1 : 1);
      assert.deepEqual(listed.sort(byKey), put.sort(byKey));
      assert.deepEqual(await Array.fromAsync(blobs.list("none")), []);
    });

    it("remove() ends a blob, and says nothing where there is none", async () => {
      const blobs = await make();
      const { key } = await blobs.put("a", Buffer.from("gone"));
      await blobs.remove("a", key);
      await blobs.remove("a", key);
      assert.equal(await blobs.get("a", key), undefined);
    });

    it("removeUntouched() removes what nobody has put or asked for, and nothing else", async () => {
      const blobs = await make();
      const untouchedMs = 2 * hourMs;
      for (const content of [Buffer.from("small"), large]) {
        const { key, sizeBytes } = await blobs.put("a", inPieces(content, 65_537));
        const isOld = () => age("a", key, untouchedMs + limits.blobTouchedEveryMs + 1000);
        const remove = () => blobs.removeUntouched("a", key, untouchedMs);
        const isUntouched = () => blobs.isUntouched("a", key, untouchedMs);
        assert.equal(await isUntouched(), false);
        assert.equal(await remove(), "touched");
        await isOld();
        assert.equal(await isUntouched(), true);
        assert.equal(await isUntouched(), true, "it is not touched by that");
        await blobs.put("a", content);
        assert.equal(await remove(), "touched", "it was put again");
        await isOld();
        await blobs.put("a", inPieces(content, 65_537));
        assert.equal(await remove(), "touched", "it was put again, in pieces");
        await isOld();
        await blobs.stat("a", key);
        assert.equal(await remove(), "touched", "it was asked for");
        await isOld();
        assert.deepEqual(await remove(), { key, sizeBytes });
        assert.equal(await blobs.get("a", key), undefined);
        assert.equal(await remove(), undefined);
        assert.equal(await isUntouched(), undefined);
      }
    });

    it("removeUntouched() takes nothing away of which put() or stat() said at that time that it is there", async () => {
      const blobs = await make();
      for (let round = 0; round < 20; round++) {
        const content = Buffer.from(`round ${round}`);
        const key = keyOf(content);
        await blobs.put("a", content);
        await age("a", key, hourMs + limits.blobTouchedEveryMs);
        const remove = () => blobs.removeUntouched("a", key, hourMs).then(() => undefined);
        const ask = () => (round % 2 === 0 ? blobs.put("a", content) : blobs.stat("a", key));
        const order = [
          [remove, ask],
          [ask, remove],
          [ask, remove, ask],
        ][round % 3]!;
        const said = await Promise.all(order.map((call) => call()));
        const isThere = (await blobs.get("a", key)) !== undefined;
        assert.ok(isThere || said.every((one) => one === undefined), `round ${round}`);
      }
    });

    it("put() of a source that throws keeps nothing and passes the error on", async () => {
      const blobs = await make();
      async function* broken() {
        yield large;
        throw new Error("cut off");
      }
      await assert.rejects(blobs.put("a", broken()), /cut off/);
    });

    it("refuses keys that are not keys, so that no path leads outside", async () => {
      const blobs = await make();
      await assert.rejects(blobs.get("a", "../../../etc/passwd"), { code: "invalid" });
      await assert.rejects(blobs.get("../a", keyOf(large)), { code: "invalid" });
    });
  });
}

describe("FileBlobs", () => {
  it("leaves no file aside, not even of a source that throws", async () => {
    const folder = join(root, "tidy");
    const blobs = await FileBlobs.open({ files: nodeFiles, clock: nodeClock, folder });
    async function* broken() {
      yield Buffer.alloc(2 * limits.blobInMemoryBytesMax);
      throw new Error("cut off");
    }
    await assert.rejects(blobs.put("a", broken()));
    assert.deepEqual(await readdir(join(folder, ".aside")), []);
  });

  it("put() says that the disk is full before it writes", async () => {
    const full: Files = { ...nodeFiles, freeBytes: async () => limits.diskFreeBytesMin - 1 };
    const blobs = await FileBlobs.open({
      files: full,
      clock: nodeClock,
      folder: join(root, "full"),
    });
    await assert.rejects(
      blobs.put("a", Buffer.from("x")),
      (thrown: CanopyError) => thrown.code === "no-space",
    );
  });
});

describe("PostgresBlobs", { skip: postgresMissing ?? false }, () => {
  it("leaves no part behind, not of what was sent twice, cut off, removed or abandoned", async () => {
    const database = databaseOf("tidy");
    const blobs = await PostgresBlobs.open({ database });
    const content = Buffer.alloc(3 * limits.blobPartBytes, "tidy ");
    async function* broken() {
      yield content;
      throw new Error("cut off");
    }
    await assert.rejects(blobs.put("a", broken()));
    const { key } = await blobs.put("a", inPieces(content, 65_537));
    await blobs.put("a", inPieces(content, 65_537));
    const parts = () => database.query("SELECT part FROM tidy.blob_parts");
    assert.equal((await parts()).length, 3);
    await blobs.remove("a", key);
    assert.equal((await parts()).length, 0);
    await database.query(`
      INSERT INTO tidy.uploads VALUES ('00000000-0000-0000-0000-000000000001', now() - interval '1 day');
      INSERT INTO tidy.blob_parts VALUES ('00000000-0000-0000-0000-000000000001', 0, '');`);
    await PostgresBlobs.open({ database });
    assert.equal((await parts()).length, 0);
  });

  it("sets a damaged blob aside, where nobody finds it", async () => {
    const database = databaseOf("damaged");
    const blobs = await PostgresBlobs.open({ database });
    const { key } = await blobs.put("a", Buffer.from("x"));
    const table = await blobs.setAside("a", key);
    assert.equal(await blobs.stat("a", key), undefined);
    assert.deepEqual(await database.query(`SELECT key FROM ${table}`), [{ key }]);
  });

  it("learns of tables from before when a blob was touched", async () => {
    const database = databaseOf("older");
    const { key } = await (await PostgresBlobs.open({ database })).put("a", Buffer.from("x"));
    await database.query("ALTER TABLE older.blobs DROP COLUMN touched");
    const blobs = await PostgresBlobs.open({ database });
    assert.equal(await blobs.removeUntouched("a", key, hourMs), "touched");
    await blobs.put("a", Buffer.from("y"));
  });

  it("is opened by a user who may only use what is there, and refused with 'forbidden' where nothing is", async () => {
    await PostgresBlobs.open({ database: databaseOf("ours") });
    await postgres!.sql(`
      CREATE ROLE guest LOGIN;
      GRANT USAGE ON SCHEMA ours TO guest;
      GRANT ALL ON ALL TABLES IN SCHEMA ours TO guest;`);
    const asGuest = (schema: string) => {
      const url = `postgres://guest@${postgres!.host}/postgres?schema=${schema}`;
      const database = new PostgresDatabase(new PostgresServers(url));
      databases.push(database);
      return PostgresBlobs.open({ database });
    };
    const { key } = await (await asGuest("ours")).put("a", Buffer.from("x"));
    assert.ok(key);
    await assert.rejects(asGuest("nobodys"), (thrown: CanopyError) => thrown.code === "forbidden");
  });

  it("says that the database is away with 'unavailable', and goes on when it is back", async () => {
    const blobs = await PostgresBlobs.open({ database: databaseOf("away") });
    await postgres!.stop("immediate");
    await assert.rejects(
      blobs.put("a", Buffer.from("x")),
      (thrown: CanopyError) => thrown.code === "unavailable",
    );
    await postgres!.start();
    const { key } = await blobs.put("a", Buffer.from("x"));
    assert.equal((await blobs.stat("a", key))!.sizeBytes, 1);
  });
});
