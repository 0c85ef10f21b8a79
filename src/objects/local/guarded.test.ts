import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { test, type TestContext } from "node:test";
import { crc32 } from "node:zlib";
import { sleep } from "#/base/clock.ts";
import { silent } from "#/base/log.ts";
import { nodeClock } from "#/base/node/clock.ts";
import { nodeRandom } from "#/base/node/random.ts";
import type { PutOptions } from "../object-store.ts";
import type { ObjectVersion } from "../object-version.ts";
import { openLocalStore } from "./open.ts";
import type { LocalStore } from "./store.ts";

const at = (key: string) => ({ bucket: "b", key });
const options = {
  versioning: "enabled",
  ownerId: "123456789012",
  storageClass: "STANDARD",
} as const satisfies PutOptions;

async function open(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), "canopy-objects-"));
  let nowMs = 1_000_000;
  const clock = { ...nodeClock, now: () => nowMs };
  const onBroken = (error: unknown) => {
    throw error;
  };
  const store = await openLocalStore({
    folder,
    clock,
    random: nodeRandom,
    report: silent,
    onBroken,
  });
  t.after(async () => {
    await store.close();
    rmSync(folder, { recursive: true });
  });
  return { store, folder, wait: (ms: number) => (nowMs += ms) };
}

async function contentOf(
  store: LocalStore,
  key: string,
  asked: { key?: Uint8Array; range?: { start: number; end: number } },
) {
  const found = await store.read(at(key), store.find(at(key)) as ObjectVersion, asked);
  return found instanceof Uint8Array ? Buffer.from(found) : buffer(found);
}

/** All that is on disk. */
function bytesOn(folder: string): Buffer {
  const names = readdirSync(folder, { recursive: true }) as string[];
  const files = names.map((name) => join(folder, name)).filter((path) => statSync(path).isFile());
  return Buffer.concat(files.map((path) => readFileSync(path)));
}

test("what is put with a key is on disk encrypted, and read with it alone, in any range", async (t) => {
  const { store, folder } = await open(t);
  const key = nodeRandom.bytes(32);
  const secret = "the secret of the tenant ";
  const about = { mode: "SSE-C" as const, customerKeyMd5: "x" };
  for (const size of [5000, 700_000]) {
    const name = `of-${size}`;
    const content = Buffer.alloc(size, secret);
    await store.put(at(name), content, {
      ...options,
      encryption: { about, key },
      metadata: { a: "b" },
    });
    assert.ok((await contentOf(store, name, { key })).equals(content));
    const range = { start: size - 3000, end: size - 7 };
    assert.ok(
      (await contentOf(store, name, { key, range })).equals(
        content.subarray(range.start, range.end),
      ),
    );
    await assert.rejects(contentOf(store, name, { key: nodeRandom.bytes(32) }));
    await store.put(at("again"), content, { ...options, encryption: { about, key } });
  }
  const upload = await store.beginUpload(at("parts"), { ...options, encryption: about });
  const part = await store.putPart(at("parts"), upload.uploadId, 1, Buffer.alloc(200_000, secret), {
    encryption: { about, key },
  });
  await store.completeUpload(
    at("parts"),
    upload.uploadId,
    [part].map(({ number, etag }) => ({ number, etag })),
    options,
  );
  assert.ok((await contentOf(store, "parts", { key })).equals(Buffer.alloc(200_000, secret)));
  const all = bytesOn(folder);
  assert.equal(all.indexOf(secret), -1);
  assert.equal(all.indexOf(Buffer.from(key)), -1);
});

test("a large object is held against its CRC-32, plain, cold, or with a key", async (t) => {
  const { store } = await open(t);
  const encryption = {
    about: { mode: "SSE-C" as const, customerKeyMd5: "x" },
    key: nodeRandom.bytes(32),
  };
  const kept: Partial<PutOptions>[] = [{}, { storageClass: "GLACIER" }, { encryption }];
  for (const size of [700_000, 3_500_000]) {
    const content = Buffer.alloc(size, "0123456789");
    const crc = Buffer.alloc(4);
    crc.writeUInt32BE(crc32(content));
    const value = crc.toString("base64");
    for (const more of kept) {
      const checksum = { algorithm: "CRC32", expected: () => value } as const;
      const { version } = await store.put(at("held"), content, { ...options, ...more, checksum });
      assert.equal(version.checksum?.value, value);
      const changed = Buffer.from(content);
      changed[size - 200_000]! ^= 1;
      await assert.rejects(store.put(at("held"), changed, { ...options, ...more, checksum }), {
        awsCode: "BadDigest",
      });
    }
  }
});

test("the cold class is kept compressed where that pays, and read in any range", async (t) => {
  const { store, folder } = await open(t);
  const text = Buffer.alloc(3_000_000, "lorem ipsum dolor sit amet, ");
  const noise = Buffer.from(nodeRandom.bytes(1_000_000));
  await store.put(at("text"), text, options);
  await store.put(at("noise"), noise, { ...options, storageClass: "GLACIER_IR" });
  const before = bytesOn(join(folder, "files")).byteLength;
  await store.transition(at("text"), undefined, "GLACIER_IR");
  const kept = () => bytesOn(join(folder, "files")).byteLength;
  for (let tries = 0; kept() > before - 2_900_000; tries++) {
    assert.ok(tries < 100, `${before} bytes before, ${kept()} after`);
    await sleep(nodeClock, 20);
  }
  assert.ok((await contentOf(store, "text", {})).equals(text));
  const range = { start: 1_000_003, end: 1_400_000 };
  assert.ok(
    (await contentOf(store, "text", { range })).equals(text.subarray(1_000_003, 1_400_000)),
  );
  assert.ok((await contentOf(store, "noise", {})).equals(noise));
});

test("a locked version stays until its time is over, whoever asks", async (t) => {
  const { store, wait } = await open(t);
  const lock = (mode: "GOVERNANCE" | "COMPLIANCE", untilMs: number) => ({ mode, untilMs });
  const { version } = await store.put(at("a"), Buffer.from("a"), {
    ...options,
    retention: lock("GOVERNANCE", 2_000_000),
  });
  const { versionId } = version;
  const denied = { awsCode: "AccessDenied", status: 403 };
  const remove = (more = {}) => store.delete(at("a"), { ...options, versionId, ...more });
  await assert.rejects(remove(), denied);
  const shorter = { retention: lock("GOVERNANCE", 1_500_000) };
  await assert.rejects(store.mark(at("a"), versionId, shorter), denied);
  await assert.rejects(store.mark(at("a"), versionId, { retention: null }), denied);
  await store.mark(at("a"), versionId, shorter, { mayBypassGovernance: true });
  const stricter = { retention: lock("COMPLIANCE", 3_000_000) };
  await assert.rejects(store.mark(at("a"), versionId, stricter), denied, "another mode");
  await store.mark(at("a"), versionId, { retention: lock("GOVERNANCE", 2_500_000) });
  await store.mark(at("a"), versionId, stricter, { mayBypassGovernance: true });
  await assert.rejects(remove({ mayBypassGovernance: true }), denied);
  await store.mark(at("a"), versionId, { hasLegalHold: true });
  assert.ok((await store.delete(at("a"), options)).marker, "a marker hides what is locked");
  wait(5_000_000);
  await assert.rejects(remove({ mayBypassGovernance: true }), denied, "a legal hold has no end");
  await store.mark(at("a"), versionId, { hasLegalHold: false });
  assert.equal((await remove()).removed?.versionId, versionId);
});
