import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { nodeFiles } from "#/base/node/files.ts";
import { filesBelow, planSync, type Entry } from "./sync.ts";

const entry = (path: string, sizeBytes: number, modifiedMs: number): Entry => ({
  path,
  sizeBytes,
  modifiedMs,
});

test("planSync() brings what is new, of another size or newer, and says why", () => {
  const from = [
    entry("new", 1, 0),
    entry("size", 1, 0),
    entry("newer", 1, 9000),
    entry("same", 1, 1999),
  ];
  const to = [
    entry("size", 2, 0),
    entry("newer", 1, 0),
    entry("same", 1, 1000),
    entry("gone", 1, 0),
  ];
  const { transfers, removals, unchanged } = planSync(from, to);
  assert.deepEqual(
    transfers.map(({ path, why }) => [path, why]),
    [
      ["new", "new"],
      ["size", "size"],
      ["newer", "newer"],
    ],
  );
  assert.deepEqual(removals, ["gone"]);
  assert.equal(unchanged, 1);
  assert.equal(planSync(from, to, { sizeOnly: true }).transfers.length, 2);
});

test("planSync() leaves nothing to do once its plan is done", () => {
  const entries = fc.uniqueArray(
    fc.record({ path: fc.string(), sizeBytes: fc.nat(3), modifiedMs: fc.nat(5000) }),
    { selector: ({ path }) => path },
  );
  fc.assert(
    fc.property(entries, entries, (from, to) => {
      const { transfers, removals } = planSync(from, to);
      const side = new Map(to.map((one) => [one.path, one]));
      for (const path of removals) side.delete(path);
      for (const one of transfers) side.set(one.path, { ...one, modifiedMs: 10_000 });
      const again = planSync(from, side.values());
      assert.deepEqual([again.transfers, again.removals, again.unchanged], [[], [], from.length]);
    }),
  );
});

test("filesBelow() follows links, and comes to an end where they lead back", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "canopy-sync-"));
  t.after(() => rmSync(folder, { recursive: true }));
  for (const name of ["a", "b"]) mkdirSync(join(folder, name));
  writeFileSync(join(folder, "a/file"), "a");
  symlinkSync("..", join(folder, "a/up"));
  symlinkSync("../a", join(folder, "b/other"));
  symlinkSync(".", join(folder, "b/here"));
  symlinkSync("itself", join(folder, "itself"));
  const found = await Array.fromAsync(filesBelow(nodeFiles, folder));
  assert.deepEqual(
    found.map(({ path }) => path),
    ["a/file", "b/other/file"],
  );
});
