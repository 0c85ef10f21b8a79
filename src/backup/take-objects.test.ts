import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { limits } from "#/base/limits.ts";
import { silent } from "#/base/log.ts";
import { nodeClock } from "#/base/node/clock.ts";
import { nodeFiles } from "#/base/node/files.ts";
import { FileBlobs } from "#/blobs/files.ts";
import type { HeldFile, HeldObjects } from "#/objects/held-objects.ts";
import { SqliteLog } from "#/space/logs/sqlite.ts";
import { Space } from "#/space/space.ts";
import { Contents } from "./contents.ts";
import { restore } from "./restore.ts";
import { takeBackup } from "./take.ts";

const root = mkdtempSync(join(tmpdir(), "canopy-backup-objects-"));
after(() => rmSync(root, { recursive: true }));
let count = 0;

async function openCloud() {
  const folder = join(root, String(++count));
  await nodeFiles.makeFolder(folder);
  const log = new SqliteLog(join(folder, "space.db"), { durability: "normal" });
  const blobs = await FileBlobs.open({
    files: nodeFiles,
    clock: nodeClock,
    folder: join(folder, "blobs"),
  });
  return { log, blobs };
}

const pieces = async function* (text: string) {
  for (let at = 0; at < text.length; at += 700) yield Buffer.from(text.slice(at, at + 700));
};

/** Files as a store gives them; `lost` ones are named and not found. */
function heldOf(contents: Map<string, string>, lost: string[] = []) {
  const held = { isHeld: true };
  const objects: HeldObjects = {
    objects: 7,
    bytes: 11,
    isElsewhere: false,
    async *files(): AsyncGenerator<HeldFile> {
      for (const name of lost) yield { name };
      for (const [name, text] of contents) {
        assert.ok(held.isHeld);
        yield { name, found: { sizeBytes: text.length, content: pieces(text) } };
      }
    },
    release: () => void (held.isHeld = false),
  };
  return { held, objects };
}

async function backUp(objects: HeldObjects): Promise<string> {
  const { log, blobs } = await openCloud();
  const onBroken = (error: unknown) => assert.fail(String(error));
  const space = await Space.open({ log, clock: nodeClock, report: silent, onBroken });
  const file = join(root, `${count}.tar`);
  const parts = { space, blobs, clock: nodeClock, version: "1", holdObjects: () => objects };
  try {
    await nodeFiles.writeStream(file, takeBackup(parts));
  } finally {
    await space.close();
  }
  return file;
}

/** Puts it back into a store that keeps texts. */
async function putBack(file: string) {
  const contents = await Contents.open(nodeFiles, file);
  const { log, blobs } = await openCloud();
  const made = new Map<string, string>();
  try {
    const objects = {
      async add(name: string, content: AsyncIterable<Uint8Array>) {
        made.set(name, Buffer.concat(await Array.fromAsync(content)).toString());
      },
      finish: async () => ({ objects: 7, bytes: 11 }),
    };
    const restored = await restore(contents, { log, blobs, objects });
    return { made, restored, manifest: contents.manifest };
  } finally {
    await log.close();
  }
}

/** More than there are digests in a list. */
const many = new Map(
  Array.from({ length: limits.backupDigestsTogether * 2 + 3 }, (_, index) => [
    `files/0/${index.toString(16)}`,
    `content ${index} `.repeat(index % 200),
  ]),
);

test("files of objects come back as they were, however many there are, and are let go", async () => {
  const { held, objects } = heldOf(many, ["packs/0000000001.pack"]);
  const { made, restored, manifest } = await putBack(await backUp(objects));
  assert.equal(held.isHeld, false);
  assert.deepEqual(made, many);
  assert.deepEqual(restored, { live: 0, archived: 0, blobs: 0, objects: 7 });
  const taken = { objects: 7, bytes: 11, isElsewhere: false, files: many.size, missing: 1 };
  assert.deepEqual(manifest.objects, taken);
});

test("what is held is let go when a file is not what it was said to be, or nobody wants the rest", async () => {
  const { held, objects } = heldOf(many);
  const shorter: HeldObjects = {
    ...objects,
    async *files() {
      yield { name: "packs/0000000001.pack", found: { sizeBytes: 5, content: pieces("four") } };
    },
  };
  await assert.rejects(backUp(shorter), { code: "damaged", message: /must have 5 bytes/ });
  assert.equal(held.isHeld, false);
  const { held: other, objects: given } = heldOf(many);
  const { log, blobs } = await openCloud();
  const onBroken = (error: unknown) => assert.fail(String(error));
  const space = await Space.open({ log, clock: nodeClock, report: silent, onBroken });
  const parts = { space, blobs, clock: nodeClock, version: "1", holdObjects: () => given };
  let seen = 0;
  for await (const _ of takeBackup(parts)) if (++seen > 50) break;
  assert.equal(other.isHeld, false);
  await space.close();
});

test("any byte that is changed, and any file that is missing, is told and named", async () => {
  const contents = new Map([
    ["packs/0000000001.pack", "a".repeat(3000)],
    ["files/0/1", "b".repeat(2000)],
    ["files/0/2", ""],
  ]);
  const file = await backUp(heldOf(contents).objects);
  const good = readFileSync(file);
  const refused = async (content: Buffer, message: RegExp) => {
    writeFileSync(file, content);
    await assert.rejects(putBack(file), { code: "damaged", message });
  };
  for (const [place, name] of [
    [good.indexOf("aaaa") + 2999, "packs/0000000001.pack"],
    [good.indexOf("bbbb"), "files/0/1"],
  ] as const) {
    const flipped = Buffer.from(good);
    flipped[place]! ^= 1;
    await refused(flipped, new RegExp(`${name} is damaged: its SHA-256`));
  }
  const begin = good.indexOf("objects/files/0/2");
  const without = Buffer.concat([good.subarray(0, begin), good.subarray(begin + 512)]);
  await refused(without, /files\/0\/2 is damaged: it is missing/);
  const list = good.indexOf("object-digests/");
  const unlisted = Buffer.from(good);
  unlisted[list + 600]! ^= 1;
  await refused(unlisted, /object-digests\/000001.ndjson.gz is damaged/);
  writeFileSync(file, good);
  assert.deepEqual((await putBack(file)).made, contents);
});
