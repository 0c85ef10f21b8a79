import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readlinkSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { test, type TestContext } from "node:test";
import { silent } from "#/base/log.ts";
import { nodeClock } from "#/base/node/clock.ts";
import { nodeRandom } from "#/base/node/random.ts";
import type { PutOptions } from "../object-store.ts";
import type { ObjectVersion } from "../object-version.ts";
import { openLocalStore } from "./open.ts";
import type { LocalStore } from "./store.ts";

const options: PutOptions = {
  versioning: "off",
  ownerId: "123456789012",
  storageClass: "STANDARD",
};
const at = (key: string) => ({ bucket: "b1", key });

function folderFor(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "canopy-objects-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function open(folder: string): Promise<LocalStore> {
  return openLocalStore({
    folder,
    clock: nodeClock,
    random: nodeRandom,
    report: silent,
    onBroken(error) {
      throw error;
    },
  });
}

async function contentOf(store: LocalStore, key: string, range?: { start: number; end: number }) {
  const version = store.find(at(key)) as ObjectVersion;
  const found = await store.read(at(key), version, range ? { range } : {});
  return found instanceof Uint8Array ? Buffer.from(found) : buffer(found);
}

test("put() keeps small and large objects, which are there after the next start", async (t) => {
  const folder = folderFor(t);
  let store = await open(folder);
  const large = Buffer.alloc(3_500_000, "0123456789");
  async function* pieces() {
    for (let from = 0; from < large.byteLength; from += 60_000)
      yield large.subarray(from, from + 60_000);
  }
  const { version } = await store.put(at("small"), Buffer.from("hello"), {
    ...options,
    contentType: "text/plain",
    metadata: { color: "green" },
    checksum: { algorithm: "CRC32" },
  });
  assert.equal(version.etag, "5d41402abc4b2a76b9719d911017c592");
  assert.deepEqual(version.checksum, {
    algorithm: "CRC32",
    value: "NhCmhg==",
    type: "FULL_OBJECT",
  });
  await store.put(at("large"), pieces(), options);
  assert.deepEqual(store.use("b1"), { objects: 2, bytes: 5 + large.byteLength });
  for (let round = 0; round < 2; round++) {
    assert.deepEqual(store.find(at("small")), version);
    assert.equal((await contentOf(store, "small")).toString(), "hello");
    assert.ok((await contentOf(store, "large")).equals(large));
    const range = { start: 131_000, end: 1_400_001 };
    assert.ok((await contentOf(store, "large", range)).equals(large.subarray(131_000, 1_400_001)));
    await store.close();
    store = await open(folder);
  }
  assert.deepEqual(store.use("b1"), { objects: 2, bytes: 5 + large.byteLength });
  await store.delete(at("small"), options);
  assert.equal(store.find(at("small")), undefined);
  await store.close();
});

test("list() gives keys in the order of their bytes, and rolls up what the delimiter parts", async (t) => {
  const store = await open(folderFor(t));
  const keys = ["a", "b/1", "b/2", "b/c/1", "c", "c\u0000", "\uffee", "\u{1f600}", "é"];
  for (const key of keys) await store.put(at(key), Buffer.from(key), options);
  const inOrder = keys.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  const all = await store.list("b1", { max: 1000 });
  assert.deepEqual(
    all.entries.map(({ key }) => key),
    inOrder,
  );
  const found: string[] = [];
  let after: string | undefined;
  do {
    const page = await store.list("b1", { max: 2, delimiter: "/", ...(after && { after }) });
    found.push(...page.entries.map(({ key }) => key), ...page.commonPrefixes);
    after = page.next?.after;
  } while (after !== undefined);
  assert.deepEqual(
    found.toSorted(),
    ["a", "b/", "c", "c\u0000", "\uffee", "\u{1f600}", "é"].toSorted(),
  );
  assert.deepEqual(
    (await store.list("b1", { max: 10, prefix: "b/", delimiter: "/" })).commonPrefixes,
    ["b/c/"],
  );
  await store.close();
});

test("completeUpload() names the chosen parts, whose CRCs it combines", async (t) => {
  const store = await open(folderFor(t));
  for (const algorithm of ["CRC32", "CRC32C", "CRC64NVME"] as const) {
    const key = `parts-${algorithm}`;
    const upload = await store.beginUpload(at(key), {
      ownerId: "123456789012",
      storageClass: "STANDARD",
      checksum: { algorithm, type: "FULL_OBJECT" },
    });
    const contents = [
      Buffer.alloc(5 * 2 ** 20, "abc"),
      Buffer.alloc(6 * 2 ** 20, "xy"),
      Buffer.from("end"),
    ];
    const parts: { number: number; etag: string; checksum: string }[] = [];
    for (const [index, content] of contents.entries()) {
      const number = index + 1;
      const asked = { checksum: { algorithm } };
      const { etag, checksum } = await store.putPart(
        at(key),
        upload.uploadId,
        number,
        content,
        asked,
      );
      parts.push({ number, etag, checksum: checksum!.value });
    }
    await store.putPart(at(key), upload.uploadId, 9, Buffer.from("not chosen"), {});
    const { version } = await store.completeUpload(at(key), upload.uploadId, parts, {
      versioning: "off",
    });
    const whole = Buffer.concat(contents);
    const single = await store.put(at("single"), whole, { ...options, checksum: { algorithm } });
    assert.deepEqual(version.checksum, single.version.checksum);
    assert.match(version.etag, /^[0-9a-f]{32}-3$/);
    assert.equal(version.parts?.length, 3);
    assert.ok((await contentOf(store, key)).equals(whole));
    const range = { start: 5 * 2 ** 20 - 10, end: 5 * 2 ** 20 + 10 };
    assert.equal((await contentOf(store, key, range)).toString(), "bcabcabcabxyxyxyxyxy");
    assert.equal(await store.findUpload(at(key), upload.uploadId), undefined);
    await store.delete(at(key), options);
    await store.delete(at("single"), options);
    assert.deepEqual(store.use("b1"), { objects: 0, bytes: 0 });
  }
  await store.close();
});

test("list() goes on after a name that is shorter than the delimiter", async (t) => {
  const store = await open(folderFor(t));
  t.after(() => store.close());
  for (const key of ["a b", "a/x", "boo", "foo"])
    await store.put(at(key), Buffer.from(key), options);
  const page = await store.list("b1", { max: 10, delimiter: "oo", after: "a" });
  assert.deepEqual(
    page.entries.map(({ key }) => key),
    ["a b", "a/x"],
  );
  assert.deepEqual(page.commonPrefixes, ["boo", "foo"]);
});

test("read() leaves no file open of a stream that is given up before it is read", async (t) => {
  const folder = folderFor(t);
  const store = await open(folder);
  t.after(() => store.close());
  await store.put(at("large"), Buffer.alloc(3_500_000, "0123456789"), options);
  const version = store.find(at("large")) as ObjectVersion;
  const openFiles = () =>
    readdirSync("/proc/self/fd").filter((name) => {
      try {
        return readlinkSync(`/proc/self/fd/${name}`).startsWith(join(folder, "files"));
      } catch {
        return false;
      }
    }).length;
  for (let count = 0; count < 5; count++) {
    const stream = await store.read(at("large"), version, {});
    assert.ok(!(stream instanceof Uint8Array));
    stream.destroy();
  }
  for (let turns = 0; turns < 200 && openFiles() > 0; turns++) await new Promise(setImmediate);
  assert.equal(openFiles(), 0);
});

test("a put that began before versioning was switched on leaves the versions that were made meanwhile", async (t) => {
  const store = await open(folderFor(t));
  t.after(() => store.close());
  await store.put(at("a"), Buffer.from("first"), options);
  const { promise, resolve } = Promise.withResolvers<void>();
  async function* slow() {
    yield Buffer.from("slow");
    await promise;
  }
  const putting = store.put(at("a"), slow(), options);
  const { version } = await store.put(at("a"), Buffer.from("precious"), {
    ...options,
    versioning: "enabled",
  });
  resolve();
  await putting;
  const { entries } = await store.listVersions("b1", { max: 10 });
  assert.deepEqual(
    entries.map(({ versionId, isLatest }) => [versionId, isLatest]),
    [
      ["null", true],
      [version.versionId, false],
    ],
  );
  const kept = await store.read(at("a"), version, {});
  assert.equal(String(kept), "precious");
});
