import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { after, before, suite, test } from "node:test";
import { sleep } from "#/base/clock.ts";
import { silent } from "#/base/log.ts";
import { nodeClock } from "#/base/node/clock.ts";
import { nodeRandom } from "#/base/node/random.ts";
import { Radosgw, radosgwMissing } from "#/base/testing/radosgw.ts";
import { Missing, type BigBytes } from "./big-bytes.ts";
import { BigFiles } from "./local/big-files.ts";
import { openLocalStore } from "./local/open.ts";
import type { ObjectVersion } from "./object-version.ts";
import { parseRemoteAddress } from "./remote/address.ts";
import { RemoteBytes } from "./remote/remote-bytes.ts";

const folder = mkdtempSync(join(tmpdir(), "canopy-objects-"));
after(() => rmSync(folder, { recursive: true, force: true }));

/** What the store counts on, of files and of a cluster alike. */
function contract(bytesOf: () => BigBytes): void {
  test("what was finished is read in any range, and listed by number", async () => {
    const bytes = bytesOf();
    const content = Buffer.alloc(20 * 2 ** 20, "0123456789abc");
    for (const [number, size] of [
      [7, 10],
      [4097, content.length],
    ] as const) {
      const writer = await bytes.create(number);
      for (let at = 0; at < size; at += 2 ** 20) {
        const piece = content.subarray(at, Math.min(size, at + 2 ** 20));
        await writer.write([piece.subarray(0, 5), piece.subarray(5)]);
      }
      await writer.finish();
    }
    const reader = await bytes.open(4097);
    const [at, length] = [8 * 2 ** 20 - 3, 2 ** 20];
    assert.ok((await reader.read(at, length)).equals(content.subarray(at, at + length)));
    assert.equal((await reader.read(content.length - 4, 100)).length, 4);
    await reader.close();
    assert.deepEqual(await Array.fromAsync(bytes.from(0)), [7, 4097]);
    assert.deepEqual(await Array.fromAsync(bytes.from(8)), [4097]);
    await bytes.remove(4097);
    await bytes.remove(4097);
    assert.deepEqual(await Array.fromAsync(bytes.from(0)), [7]);
  });

  test("what is not there is missing, and what was dropped leaves nothing", async () => {
    const bytes = bytesOf();
    const readMissing = async () => (await bytes.open(99)).read(0, 10);
    await assert.rejects(readMissing, Missing);
    const writer = await bytes.create(100);
    for (let step = 0; step < 12; step++) await writer.write([Buffer.alloc(2 ** 20)]);
    await writer.drop();
    assert.deepEqual(await Array.fromAsync(bytes.from(8)), []);
  });
}

suite("bytes in files", () => {
  const files = new BigFiles(join(folder, "files"));
  contract(() => files);
});

suite(
  "bytes in an S3-compatible cluster",
  { skip: process.env["CI"] ? false : (radosgwMissing ?? false) },
  () => {
    let cluster: Radosgw;
    const address = () => parseRemoteAddress(`s3://bytes/some/where?endpoint=${cluster.url}`);
    const remote = (owner: string) =>
      new RemoteBytes({ address: address(), credentials: cluster.credentials, owner });

    before(async () => {
      cluster = await Radosgw.start();
      const { S3Client, CreateBucketCommand } = await import("@aws-sdk/client-s3");
      const { url: endpoint, credentials } = cluster;
      const client = new S3Client({
        endpoint,
        region: "us-east-1",
        credentials,
        forcePathStyle: true,
      });
      await client.send(new CreateBucketCommand({ Bucket: "bytes" }));
      client.destroy();
    });
    after(() => cluster?.stop());

    contract(() => remote("one"));

    test("a prefix belongs to one store", async () => {
      await assert.rejects(async () => remote("another").create(1), { code: "conflict" });
    });

    test("a gateway that is stopped is away after one silence, and back when it goes on", async (t) => {
      const { credentials } = cluster;
      const parts = { address: address(), credentials, owner: "one", answerMs: 1500 };
      const bytes = new RemoteBytes(parts);
      t.after(() => bytes.close());
      const writer = await bytes.create(77);
      await writer.write([Buffer.from("seventy-seven")]);
      await writer.finish();
      const reader = await bytes.open(77);
      const gateway = cluster.pids.at(-1)!;
      process.kill(gateway, "SIGSTOP");
      t.after(() => process.kill(gateway, "SIGCONT"));
      const away = { status: 503 };
      await assert.rejects(reader.read(0, 7), away);
      const other = await bytes.create(78);
      await other.write([Buffer.from("lost")]);
      await assert.rejects(other.finish(), away);
      await other.drop();
      process.kill(gateway, "SIGCONT");
      assert.equal(String(await reader.read(0, 7)), "seventy");
      await bytes.remove(77);
    });

    test("the store answers 503 while the cluster is away, and goes on when it is back", async () => {
      const open = () =>
        openLocalStore({
          folder: join(folder, "store"),
          clock: nodeClock,
          random: nodeRandom,
          report: silent,
          openBig: (owner) =>
            new RemoteBytes({
              address: { ...address(), prefix: "store/" },
              credentials: cluster.credentials,
              owner,
            }),
          onBroken(error) {
            throw error;
          },
        });
      const options = {
        versioning: "off",
        ownerId: "123456789012",
        storageClass: "STANDARD",
      } as const;
      const [large, small] = [
        { bucket: "b", key: "large" },
        { bucket: "b", key: "small" },
      ];
      const content = Buffer.alloc(11 * 2 ** 20, "large");
      let store = await open();
      await store.put(large, content, options);
      await store.put(small, Buffer.from("small"), options);
      await store.close();
      await cluster.pause();
      store = await open();
      const found = (place: typeof large) => store.find(place) as ObjectVersion;
      await assert.rejects(store.read(large, found(large), {}), { status: 503 });
      await assert.rejects(store.put(large, content, options), { status: 503 });
      assert.equal(String(await store.read(small, found(small), {})), "small");
      await store.delete(large, options);
      await cluster.resume();
      await store.put(large, content.subarray(1), options);
      const stream = await store.read(large, found(large), { range: { start: 5, end: 9_000_000 } });
      const range = await buffer(stream as AsyncIterable<Uint8Array>);
      assert.ok(range.equals(content.subarray(6, 9_000_001)));
      await store.close();
      // What was deleted while the cluster was away goes with the next start.
      store = await open();
      const owner = readFileSync(join(folder, "store", "store-name"), "utf8").trim();
      const parts = { address: { ...address(), prefix: "store/" }, owner };
      const left = new RemoteBytes({ ...parts, credentials: cluster.credentials });
      for (let tries = 0; (await Array.fromAsync(left.from(0))).length > 1; tries++) {
        assert.ok(tries < 100, "it is still there");
        await sleep(nodeClock, 100);
      }
      await store.close();
      left.close();
    });
  },
);
