import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import type { Clock } from "#/base/clock.ts";
import { silent } from "#/base/log.ts";
import { nodeHost } from "#/base/node/host.ts";
import type { BucketRecord, BucketSpec } from "#/model/bucket.ts";
import type { PutOptions } from "#/objects/object-store.ts";
import { openLocalStore } from "#/objects/local/open.ts";
import { Buckets } from "#/objects/buckets.ts";
import { MemoryLog } from "#/space/logs/memory.ts";
import { Space } from "#/space/space.ts";
import { BucketEvents } from "../events.ts";

export const accountId = "111122223333";
export const dayMs = 24 * 60 * 60_000;

/** Buckets with a store on disk, and a clock whose days can be moved. */
export async function openBuckets(t: TestContext) {
  const host = nodeHost(silent);
  const { random, network } = host;
  // It begins at noon, so that what lets minutes go by does not come into the next day.
  let aheadMs = (1.5 * dayMs - (host.clock.now() % dayMs)) % dayMs;
  const clock: Clock = { ...host.clock, now: () => host.clock.now() + aheadMs };
  const folder = await mkdtemp(join(tmpdir(), "canopy-buckets-"));
  const onBroken = (thrown: unknown) => assert.fail(String(thrown));
  const log = new MemoryLog();
  const space = await Space.open({ log, clock, report: silent, onBroken });
  const store = await openLocalStore({ folder, clock, random, report: silent, onBroken });
  t.after(async () => {
    await store.close();
    await space.close();
    await rm(folder, { recursive: true });
  });
  const buckets = new Buckets({ space, store, clock, random });
  const events = new BucketEvents({ space, clock, random });
  return {
    parts: { space, store, buckets, events, clock, random, network, log: silent },
    /** Lets so many days go by on the wall. */
    pass: (days: number) => void (aheadMs += days * dayMs),
    async make(name: string, spec: Partial<BucketSpec> = {}): Promise<BucketRecord> {
      const asked = { name, project: "default", accountId, region: "us-east-1" };
      const made = await buckets.create(asked);
      return buckets.change(made, (before) => ({ ...before, ...spec }));
    },
    async put(bucket: BucketRecord, key: string, body = key, more: Partial<PutOptions> = {}) {
      const { id: place, versioning } = bucket.spec;
      const options = { versioning, ownerId: accountId, storageClass: "STANDARD", ...more };
      const put = await store.put({ bucket: place, key }, Buffer.from(body), options);
      return put.version;
    },
  };
}

/** Looks until `holds`, or fails after ten seconds. */
export async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  for (const start = performance.now(); performance.now() - start < 10_000;) {
    if (await holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assert.fail(`it never came: ${what}`);
}
