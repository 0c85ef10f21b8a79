import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, statfsSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { silent } from "#/base/log.ts";
import { nodeClock } from "#/base/node/clock.ts";
import { nodeRandom } from "#/base/node/random.ts";
import type { ObjectVersion } from "../object-version.ts";
import { openLocalStore } from "./open.ts";

const options = { versioning: "off", ownerId: "123456789012", storageClass: "STANDARD" } as const;
const at = (key: string) => ({ bucket: "b", key });

/** A disk of its own; undefined where none can be mounted. */
function smallDisk(t: TestContext): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), "canopy-disk-"));
  try {
    const args = ["-t", "tmpfs", "-o", "size=400m", "tmpfs", folder];
    execFileSync("mount", args, { stdio: "ignore" });
  } catch {
    rmSync(folder, { recursive: true });
    return undefined;
  }
  t.after(() => {
    execFileSync("umount", ["-l", folder]);
    rmSync(folder, { recursive: true });
  });
  return folder;
}

test("a full disk is answered with 507, leaves nothing, and is forgotten when there is space", async (t) => {
  const disk = smallDisk(t);
  if (disk === undefined) return t.skip("no disk can be mounted here");
  const folder = join(disk, "objects");
  const broken: unknown[] = [];
  const onBroken = (error: unknown) => void broken.push(error);
  // Free space is asked for when this moves: until then only the disk itself says that it is full.
  let nowMs = 0;
  const clock = { ...nodeClock, monotonicMs: () => nowMs };
  const parts = { folder, clock, random: nodeRandom, report: silent, onBroken };
  let store = await openLocalStore(parts);
  await store.put(at("before"), Buffer.from("before"), options);
  async function* endless() {
    for (;;) yield Buffer.alloc(1 << 20);
  }
  await assert.rejects(store.put(at("endless"), endless(), options), { status: 507 });
  assert.equal(store.find(at("endless")), undefined);
  assert.deepEqual(filesIn(folder), []);

  const filler = join(disk, "filler");
  const { bavail, bsize } = statfsSync(disk);
  writeFileSync(filler, Buffer.alloc(bavail * bsize - 16_384));
  const pack = join(folder, "packs", "0000000001.pack");
  const size = statSync(pack).size;
  const putting = Array.from({ length: 40 }, (_, index) =>
    store.put(at(`full-${index}`), Buffer.alloc(4096, 1), options),
  );
  const ended = await Promise.allSettled(putting);
  const kept = ended.filter(({ status }) => status === "fulfilled").length;
  assert.ok(kept < 40);
  for (const one of ended)
    if (one.status === "rejected") assert.equal((one.reason as { status: number }).status, 507);
  // One by one, so that the log takes some and the index finds no room for them.
  let more = 0;
  const single = () => store.put(at(`one-${more}`), Buffer.alloc(1000), options);
  while (
    await single().then(
      () => true,
      () => false,
    )
  )
    more++;
  assert.ok(more > 0);
  const count = kept + more + 1;
  assert.equal((await store.list("b", { max: 1000 })).entries.length, count);
  assert.ok(kept > 0 || more > 0 || statSync(pack).size === size);
  nowMs += 10_000;
  const held = store.hold();
  await assert.rejects(store.beginUpload(at("u"), options), { status: 507 });
  await assert.rejects(Array.fromAsync(held.files()), { code: "no-space" }, "a backup gives way");
  await new Promise((resolve) => setTimeout(resolve, 1200));
  assert.equal(
    String(await store.read(at("before"), store.find(at("before")) as ObjectVersion, {})),
    "before",
  );
  assert.deepEqual(broken, []);

  rmSync(filler);
  nowMs += 10_000;
  await new Promise((resolve) => setTimeout(resolve, 1200));
  await store.put(at("after"), Buffer.from("after"), options);
  await store.close();
  store = await openLocalStore(parts);
  assert.equal((await store.list("b", { max: 1000 })).entries.length, count + 1);
  await store.close();
  assert.deepEqual(broken, []);
});

function filesIn(folder: string): string[] {
  const found = readdirSync(join(folder, "files"), { recursive: true, withFileTypes: true });
  return found.filter((one) => one.isFile()).map(({ name }) => name);
}
