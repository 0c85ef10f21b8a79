import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { assertHolds, backUp } from "./backed-up.ts";
import { newCloud } from "./clouds.ts";

const folder = mkdtempSync(join(tmpdir(), "canopy-e2e-backup-"));
after(() => rmSync(folder, { recursive: true }));

test("a cloud restored from a backup taken under load has all that was acknowledged before, and goes on", async () => {
  const cloud = newCloud();
  await cloud.up();
  const backup = await backUp(cloud, folder, "backup");
  await cloud.kill();
  const again = newCloud();
  rmSync(again.dataFolder, { recursive: true });
  const restored = await cloud.canopy("restore", backup.file, "--data", again.dataFolder, "--json");
  assert.equal(restored.code, 0, restored.stderr);
  await again.up();
  await assertHolds(again, backup);
});

test("restore refuses a folder that holds something, and a file that is no backup", async () => {
  const cloud = newCloud();
  await cloud.up();
  const file = join(folder, "other.tar");
  assert.equal((await cloud.canopy("backup", file)).code, 0);
  const full = await cloud.canopy("restore", file, "--data", cloud.dataFolder);
  assert.equal(full.code, 5);
  assert.match(full.stderr, /must be empty/);
  const target = join(folder, "target");
  const none = await cloud.canopy(
    "restore",
    join(cloud.dataFolder, "root-token"),
    "--data",
    target,
  );
  assert.equal(none.code, 2, none.stderr);
  assert.match(readFileSync(file, "latin1"), /manifest.json/);
  const viewer = await cloud.canopy("key", "create", "looks", "--role", "viewer", "--json");
  const { key } = JSON.parse(viewer.stdout) as { key: string };
  const answer = await fetch(`${cloud.url}/v1/backup`, {
    headers: { authorization: `Bearer ${key}` },
  });
  assert.equal(answer.status, 403);
});
