import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { endAllOf } from "./processes.ts";
import { runChaos } from "./run.ts";
import { sceneMissing, startScene, type SceneKind } from "./sites.ts";

const folder = mkdtempSync(join(tmpdir(), "canopy-chaos-"));
after(() => {
  endAllOf(folder);
  rmSync(folder, { recursive: true, force: true });
});

async function loseNothing(kind: SceneKind, seed: number): Promise<void> {
  const own = join(folder, kind);
  mkdirSync(own);
  const scene = await startScene(kind, own);
  const options = { seed, forMs: 10_000, historyFile: join(own, "history"), say: () => {} };
  const outcome = await runChaos(scene, options).finally(() => scene.stop());
  const { faults, violations, acknowledged, jobs, records } = outcome;
  assert.deepEqual(violations, []);
  // How much happens in that time is the machine's affair.
  assert.ok(faults.length > 3, `only ${faults.length} faults`);
  assert.ok(acknowledged > 50 && jobs > 5 && records > 0, `${acknowledged}, ${jobs}, ${records}`);
  const promotions = faults.filter(({ kind }) => kind === "promotion").length;
  assert.equal(promotions, kind === "network" ? 1 : 0);
}

const skipped = (kind: SceneKind) => ({ skip: sceneMissing(kind) ?? false });

test("kill -9 of control plane, agents and runners loses nothing acknowledged over SQLite", () =>
  loseNothing("sqlite", 11));

test(
  "kill -9 of control planes, agents and PostgreSQL loses nothing acknowledged over PostgreSQL",
  skipped("postgres"),
  () => loseNothing("postgres", 12),
);

test(
  "cuts of the network and a promoted standby lose nothing acknowledged",
  skipped("network"),
  () => loseNothing("network", 13),
);
