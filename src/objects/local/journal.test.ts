import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { nodeClock as clock } from "#/base/node/clock.ts";
import { AwsError } from "#/model/aws-error.ts";
import type { Applier } from "./apply.ts";
import type { Catalog } from "./catalog.ts";
import { Journal } from "./journal.ts";
import { Packs } from "./packs.ts";

test("what may be on disk is not told as refused for want of space, and ends the store", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "canopy-journal-"));
  const file = await open(join(folder, "pack"), "w");
  t.after(async () => {
    await file.close();
    rmSync(folder, { recursive: true });
  });
  const begin = () => {
    throw Object.assign(new Error("database or disk is full"), { errcode: 13 });
  };
  const broken: unknown[] = [];
  const journal = new Journal({
    packs: new Packs(folder),
    catalog: { position: { pack: 1, at: 0 }, lastBatch: 0, begin } as unknown as Catalog,
    applier: {} as Applier,
    clock,
    onBroken: (error) => void broken.push(error),
    file,
    packBytesMax: 1000,
  });
  const told = await journal
    .commit({ op: "forget", bucket: "b" })
    .catch((thrown: unknown) => thrown);
  assert.ok(told instanceof Error && !(told instanceof AwsError));
  assert.equal(broken.length, 1);
});
