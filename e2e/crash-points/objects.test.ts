import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { Chance } from "#/base/testing/chance.ts";
import { Disk, type Image } from "./disk.ts";
import { faultsOf, hear, type Expected } from "./inspect-objects.ts";
import { record } from "./record.ts";

const pointsWanted = 150;

test("a power cut after any call loses no object that was acknowledged, and tears none", async (t) => {
  const seed = 1;
  const workload = fileURLToPath(new URL("object-workload.ts", import.meta.url));
  const { disk: path, calls } = await record({ seed, workload, lives: 4 });
  const disk = new Disk(path);
  const chance = new Chance(seed);
  const memory = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();
  const folder = mkdtempSync(join(memory, "canopy-cut-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const expected: Expected = new Map();
  let points = 0;
  const cut = async (at: number, what: string) => {
    for (let image = 0; image < 2; image++) {
      lay(disk.cut(new Chance(chance.below(2 ** 31))), folder);
      const faults = await faultsOf(join(folder, "data"), expected);
      assert.deepEqual(faults, [], `after call ${at}, ${what}`);
    }
    points++;
  };
  for (const [at, call] of calls.entries()) {
    disk.apply(call, at);
    if (call.type === "mark") for (const line of call.text.trim().split("\n")) hear(expected, line);
    const isDue = chance.fraction() < pointsWanted / calls.length;
    const what = call.type === "mark" ? call.text.trim() : `${call.type} ${call.path}`;
    if (isDue) await cut(at, what);
    // Packs are opened with O_DSYNC: a write is on disk when it returns.
    if (call.type !== "write" || !call.path.endsWith(".pack")) continue;
    disk.apply({ type: "sync", path: call.path, from: at + 1 }, at);
    if (isDue) await cut(at, `${what}, synced`);
  }
  assert.ok(points > pointsWanted / 2, `${points} points`);
  assert.ok(expected.size >= 10);
  // Each life but the first settles what the one before was writing when it ended.
  const settled = calls.filter((call) => call.type === "sync" && call.path.endsWith(".pack"));
  assert.ok(settled.length >= 3, `${settled.length} packs were synced at a start`);
  t.diagnostic(`${points} points of ${calls.length} calls`);
});

function lay(image: Image, folder: string): void {
  rmSync(folder, { recursive: true, force: true });
  for (const [path, content] of image) {
    const to = join(folder, path);
    mkdirSync(path.endsWith("/") ? to : dirname(to), { recursive: true });
    if (!path.endsWith("/")) writeFileSync(to, content);
  }
}
