import { equal, ok, rejects } from "node:assert/strict";
import { fdatasync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { promisify } from "node:util";
import { limits } from "#/base/limits.ts";
import { BigFiles } from "./big-files.ts";

const folder = mkdtempSync(join(tmpdir(), "canopy-files-"));
after(() => rmSync(folder, { recursive: true, force: true }));
const sync = promisify(fdatasync);
const block = Buffer.alloc(limits.objectBlockBytes, "0123456789abc");
const blocks = (3 * limits.objectEarlySyncBytes) / block.length;

test("BigFiles syncs what is written before the end comes, one file at a time", async () => {
  const { promise: mayEnd, resolve: end } = Promise.withResolvers<void>();
  const synced: number[] = [];
  const files = new BigFiles(join(folder, "early"), async (file) => {
    synced.push(file);
    await mayEnd;
    await sync(file);
  });
  const writers = [await files.create(1), await files.create(2)];
  for (let at = 0; at < blocks; at++) await Promise.all(writers.map((one) => one.write([block])));
  equal(synced.length, 1);
  end();
  for (const one of writers) await one.finish();
  equal(synced.length, 3);
  const reader = await files.open(2);
  const last = await reader.read((blocks - 1) * block.length, block.length);
  ok(last.equals(block));
  await reader.close();
});

test("finish() fails where an early sync failed, though the kernel says nothing of it again", async () => {
  let count = 0;
  const files = new BigFiles(join(folder, "failing"), async () => {
    if (count++ === 0) throw new Error("EIO");
  });
  const writer = await files.create(1);
  for (let at = 0; at < blocks; at++) await writer.write([block]);
  ok(count > 1);
  await rejects(writer.finish(), /EIO/);
});

test("drop() waits for an early sync, and leaves nothing", async () => {
  const files = new BigFiles(join(folder, "dropped"));
  const writer = await files.create(1);
  await Promise.all(Array.from({ length: blocks }, () => writer.write([block])));
  await writer.drop();
  equal(readdirSync(join(folder, "dropped/0")).length, 0);
});
