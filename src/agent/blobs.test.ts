import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { silent } from "#/base/log.ts";
import { nodeClock } from "#/base/node/clock.ts";
import { nodeFiles as files } from "#/base/node/files.ts";
import type { Calls } from "./calls.ts";
import { BlobCache } from "./blobs.ts";
import { OwedBlobs } from "./owed.ts";

const top = mkdtempSync(join(tmpdir(), "canopy-agent-blobs-"));
after(() => rmSync(top, { recursive: true }));

const content = "made by a task";
const key = createHash("sha256").update(content).digest("hex");
const sizeBytes = content.length;

/** A cloud that takes and gives that blob. `calls` says how often it gave it. */
function cacheOf(folder: string) {
  const host = { files, clock: nodeClock, log: silent };
  const asked = { fetches: 0 };
  const calls = {
    isLinked: true,
    async ask({ method, read }: { method: string; read: (response: object) => unknown }) {
      if (method === "GET") asked.fetches++;
      const text = method === "GET" ? content : JSON.stringify({ key, sizeBytes });
      return read({ body: ReadableStream.from([Buffer.from(text)]) });
    },
  } as unknown as Calls;
  const owed = new OwedBlobs(host, join(folder, "owed"));
  return { asked, cache: new BlobCache(host, join(folder, "blobs"), { calls, owed }) };
}

test("what a task made is at hand for the next one, and not after a restart: its content was never synced", async () => {
  const made = join(top, "made");
  await files.write(made, content);
  const { asked, cache } = cacheOf(top);
  await cache.open();
  const given = [cache.store("p", made), cache.store("p", made)];
  for (const { key: stored } of await Promise.all(given)) assert.equal(stored, key);
  const { path } = await cache.fetch("p", key);
  assert.equal(Buffer.from((await files.read(path))!).toString(), content);
  assert.equal(asked.fetches, 0);

  const next = cacheOf(top);
  await next.cache.open();
  assert.deepEqual(await files.list(join(top, "blobs", "p")), []);
  const fetched = await next.cache.fetch("p", key);
  assert.equal(next.asked.fetches, 1);
  assert.equal(Buffer.from((await files.read(fetched.path))!).toString(), content);

  const last = cacheOf(top);
  await last.cache.open();
  await last.cache.fetch("p", key);
  assert.equal(last.asked.fetches, 0, "what was fetched was synced, and is believed");
});
