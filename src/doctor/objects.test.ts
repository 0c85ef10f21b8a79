import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { silent } from "#/base/log.ts";
import { nodeClock } from "#/base/node/clock.ts";
import { nodeRandom } from "#/base/node/random.ts";
import { openLocalStore } from "#/objects/local/open.ts";
import { objectFindings } from "./objects.ts";

const names = new Map([["b1", "pictures"]]);

test("objectFindings() names the objects that are damaged, also while the store is open", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "canopy-doctor-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  assert.deepEqual(await objectFindings(join(folder, "none"), names), []);
  const onBroken = (error: unknown) => {
    throw error;
  };
  const store = await openLocalStore({
    folder,
    clock: nodeClock,
    random: nodeRandom,
    report: silent,
    onBroken,
  });
  const options = { versioning: "off", ownerId: "123456789012", storageClass: "STANDARD" } as const;
  for (const key of ["good", "bad"])
    await store.put({ bucket: "b1", key }, Buffer.alloc(3000, key), options);
  let [good] = await objectFindings(folder, names);
  // the index commits now and then
  for (let tries = 0; !good?.detail.startsWith("2 ") && tries < 100; tries++) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    [good] = await objectFindings(folder, names);
  }
  assert.equal(good?.state, "good");
  assert.match(good.detail, /^2 objects/);
  const pack = join(folder, "packs", "0000000001.pack");
  const bytes = readFileSync(pack);
  bytes[bytes.indexOf("badbad") + 1000]! ^= 4;
  writeFileSync(pack, bytes);
  const findings = await objectFindings(folder, names);
  assert.deepEqual(
    findings.map(({ state }) => state),
    ["fault"],
  );
  assert.match(findings[0]!.detail, /"bad" in bucket pictures cannot be read/);
  const [unnamed] = await objectFindings(folder, new Map());
  assert.match(unnamed!.detail, /"bad" in the bucket of id b1 \(its name/);
  await store.close();
  rmSync(join(folder, "index.sqlite"));
  assert.equal((await objectFindings(folder, names))[0]?.state, "warning");
});
