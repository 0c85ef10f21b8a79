import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import {
  copyFileSync,
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { buffer } from "node:stream/consumers";
import { test, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import type { Log } from "#/base/log.ts";
import { silent } from "#/base/log.ts";
import { nodeClock } from "#/base/node/clock.ts";
import { nodeRandom } from "#/base/node/random.ts";
import type { ObjectVersion } from "../object-version.ts";
import { openLocalStore } from "./open.ts";
import type { LocalStore } from "./store.ts";

const owner = { ownerId: "123456789012", storageClass: "STANDARD", versioning: "off" as const };
const at = (key: string) => ({ bucket: "b", key });

function folderFor(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "canopy-objects-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function open(folder: string, report: Log = silent): Promise<LocalStore> {
  return openLocalStore({
    folder,
    clock: nodeClock,
    random: nodeRandom,
    report,
    packBytesMax: 300_000,
    onBroken(error) {
      throw error;
    },
  });
}

async function contentOf(store: LocalStore, key: string): Promise<Buffer | undefined> {
  const version = store.find(at(key)) as ObjectVersion | undefined;
  if (!version) return undefined;
  const found = await store.read(at(key), version, {});
  return found instanceof Uint8Array ? Buffer.from(found) : buffer(found);
}

test("what was acknowledged is there when the process was killed at any time", async (t) => {
  const folder = folderFor(t);
  const program = fileURLToPath(new URL("../testing/killed-writer.ts", import.meta.url));
  /** By key: what was acknowledged last, and what was asked after that. */
  const known = new Map<string, { last: string; asked: string | undefined }>();
  for (let life = 0; life < 8; life++) {
    const child = spawn(process.execPath, [program, folder, String(life * 1000)], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const over = new Promise((resolve) => child.once("exit", (_, signal) => resolve(signal)));
    for await (const line of createInterface({ input: child.stdout })) {
      if (line === "ready") setTimeout(() => child.kill("SIGKILL"), 120 + ((life * 137) % 400));
      const [key = "", what = ""] = line.split(" ");
      const before = known.get(key) ?? { last: "gone", asked: undefined };
      if (what.startsWith("?")) known.set(key, { ...before, asked: what.slice(1) });
      else if (what) known.set(key, { last: what, asked: undefined });
    }
    assert.equal(await over, "SIGKILL");
    if (life % 3 === 2)
      for (const end of ["", "-wal", "-shm"])
        rmSync(join(folder, `index.sqlite${end}`), { force: true });
    const store = await open(folder);
    let bytes = 0;
    for (const [key, { last, asked }] of known) {
      const content = await contentOf(store, key);
      bytes += content?.byteLength ?? 0;
      const found = content === undefined ? "gone" : roundOf(key, content);
      const next = Number(asked) % 7 === 6 ? "gone" : asked;
      const allowed = next === undefined ? [last] : [last, next];
      assert.ok(
        allowed.includes(found),
        `${key}: ${found} is there, and not ${allowed.join(" or ")}`,
      );
      known.set(key, { last: found, asked: undefined });
    }
    const { uploads } = await store.listUploads("b", { max: 1000 });
    for (const { key, uploadId } of uploads) await store.abortUpload(at(key), uploadId);
    assert.equal(store.use("b").bytes, bytes);
    await store.close();
    const files = readdirSync(join(folder, "files"), { recursive: true, withFileTypes: true });
    const large = known.values().filter(({ last }) => last !== "gone");
    assert.ok(files.filter((one) => one.isFile()).length <= large.toArray().length);
  }
});

/** Of content that is whole. */
function roundOf(key: string, content: Buffer): string {
  const round = /^k\d-\d (\d+);/.exec(content.subarray(0, 40).toString())?.[1];
  assert.ok(
    round && content.equals(Buffer.alloc(content.length, `${key} ${round};`)),
    `${key} is torn`,
  );
  return round;
}

test("a log that is cut at any byte of its last records opens with all that came before", async (t) => {
  const folder = folderFor(t);
  const store = await open(folder);
  await store.put(at("first"), Buffer.from("one"), owner);
  const pack = join(folder, "packs", "0000000001.pack");
  const before = statSync(pack).size;
  await store.put(at("second"), Buffer.from("two"), { ...owner, metadata: { color: "green" } });
  const whole = readFileSync(pack);
  await store.close();
  for (const end of ["", "-wal", "-shm"])
    rmSync(join(folder, `index.sqlite${end}`), { force: true });
  for (let size = before; size <= whole.byteLength; size += 1 + (size % 3)) {
    const copy = join(folderFor(t), "copy");
    cpSync(folder, copy, { recursive: true });
    const torn = join(copy, "packs", "0000000001.pack");
    truncateSync(torn, size);
    if (size % 2) writeFileSync(torn, Buffer.concat([whole.subarray(0, size), Buffer.alloc(50)]));
    const reopened = await open(copy);
    const second = (await contentOf(reopened, "second"))?.toString();
    const first = (await contentOf(reopened, "first"))?.toString();
    assert.ok(second === undefined || second === "two");
    assert.equal(first, "one");
    await reopened.put(at("third"), Buffer.from("three"), owner);
    assert.equal((await contentOf(reopened, "third"))?.toString(), "three");
    await reopened.close();
    rmSync(copy, { recursive: true });
  }
});

test("of a batch that was never finished nothing is told as lost, and of damage in a batch that others follow all", async (t) => {
  const pieces = ["a", "b", "c"];
  for (const isFollowed of [false, true]) {
    for (const lost of pieces) {
      const folder = folderFor(t);
      const said: string[] = [];
      const report = { ...silent, error: (message: string) => void said.push(message) };
      let store = await open(folder, report);
      await store.put(at("before"), Buffer.from("before"), owner);
      const content = (key: string) => Buffer.alloc(5000, key);
      await Promise.all(pieces.map((key) => store.put(at(key), content(key), owner)));
      if (isFollowed) await store.put(at("after"), Buffer.from("after"), owner);
      await store.close();
      for (const end of ["", "-wal", "-shm"])
        rmSync(join(folder, `index.sqlite${end}`), { force: true });
      const pack = join(folder, "packs", "0000000001.pack");
      const bytes = readFileSync(pack);
      bytes.fill(0, bytes.indexOf(lost.repeat(3000)), bytes.lastIndexOf(lost.repeat(1000)));
      writeFileSync(pack, bytes);
      store = await open(folder, report);
      assert.equal((await contentOf(store, "before"))?.toString(), "before");
      if (isFollowed) {
        assert.deepEqual(said, ["a pack of objects is damaged; what was there is lost"]);
        assert.equal((await contentOf(store, "after"))?.toString(), "after");
        for (const key of pieces.filter((key) => key !== lost))
          assert.ok((await contentOf(store, key))?.equals(content(key)), key);
      } else assert.deepEqual(said, []);
      await store.close();
    }
  }
});

test("damage in the middle of a pack is told, answered with an error, and hides nothing else", async (t) => {
  const folder = folderFor(t);
  const said: string[] = [];
  const report = { ...silent, error: (message: string) => void said.push(message) };
  let store = await open(folder, report);
  for (const key of ["a", "b", "c"]) await store.put(at(key), Buffer.alloc(5000, key), owner);
  await store.put(at("large"), Buffer.alloc(400_000, "large"), owner);
  const pack = join(folder, "packs", "0000000001.pack");
  const bytes = readFileSync(pack);
  bytes[bytes.indexOf("bbbbbbbb") + 100]! ^= 1;
  writeFileSync(pack, bytes);
  const [name = ""] = readdirSync(join(folder, "files", "0"));
  const file = join(folder, "files", "0", name);
  const large = readFileSync(file);
  large[200_000]! ^= 1;
  writeFileSync(file, large);
  await assert.rejects(contentOf(store, "b"), { awsCode: "InternalError", status: 500 });
  await assert.rejects(contentOf(store, "large"), { awsCode: "InternalError", status: 500 });
  const version = store.find(at("large")) as ObjectVersion;
  const sound = await store.read(at("large"), version, { range: { start: 0, end: 100_000 } });
  assert.equal((await buffer(sound as AsyncIterable<Uint8Array>)).length, 100_000);
  assert.deepEqual(said, ["an object is damaged", "an object is damaged"]);
  const found = await store.scrub();
  assert.deepEqual(
    found.map(({ bucket, key }) => [bucket, key]),
    [
      ["b", "b"],
      ["b", "large"],
    ],
  );
  await store.put(at("large"), Buffer.from("new"), owner);
  assert.deepEqual(
    (await store.scrub()).map(({ key }) => key),
    ["b"],
  );
  await store.close();
  for (const end of ["", "-wal", "-shm"])
    rmSync(join(folder, `index.sqlite${end}`), { force: true });
  store = await open(folder, report);
  assert.equal(said.at(-1), "a pack of objects is damaged; what was there is lost");
  assert.equal((await contentOf(store, "a"))?.byteLength, 5000);
  assert.equal((await contentOf(store, "c"))?.byteLength, 5000);
  await store.close();
});

test("an index that is damaged, or of another time, is made anew", async (t) => {
  const folder = folderFor(t);
  let store = await open(folder);
  await store.put(at("a"), Buffer.from("one"), owner);
  await store.close();
  const index = join(folder, "index.sqlite");
  writeFileSync(index, "this is no database, and long enough to be looked at".repeat(100));
  store = await open(folder);
  assert.equal((await contentOf(store, "a"))?.toString(), "one");
  await store.put(at("b"), Buffer.from("two"), owner);
  await store.close();
  const newer = join(folder, "newer.sqlite");
  copyFileSync(index, newer);
  truncateSync(join(folder, "packs", "0000000001.pack"), 0);
  store = await open(folder);
  assert.equal(store.find(at("a")), undefined);
  await store.close();
});

test("the file that a version was moved to is nobody else's after a crash", async (t) => {
  const folder = folderFor(t);
  const content = Buffer.from(nodeRandom.bytes(300_000));
  const before = await open(folder);
  await before.put(at("cold"), content, owner);
  await before.transition(at("cold"), undefined, "GLACIER");
  // What a process that is killed now leaves behind: its index may be of a moment before.
  const copy = join(folderFor(t), "copy");
  cpSync(folder, copy, { recursive: true });
  await before.close();
  const store = await open(copy);
  await store.put(at("other"), Buffer.alloc(300_000, "other"), owner);
  assert.ok((await contentOf(store, "cold"))?.equals(content));
  await store.close();
});
