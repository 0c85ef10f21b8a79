import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { plant, plants } from "./plants.ts";
import { record } from "./record.ts";
import { sweep } from "./sweep.ts";

const seed = 1;
/** `npm run crash-points` takes more. */
const points = 250;

test("a power cut after any call loses nothing acknowledged and leaves nothing half-written", async (t) => {
  const recording = await record({ seed });
  const count = (type: string, name: string, offset?: number) =>
    recording.calls.filter(
      (call) =>
        call.type !== "mark" &&
        call.type === type &&
        call.path.endsWith(name) &&
        (offset === undefined || (call.type === "write" && call.offset === offset)),
    ).length;
  assert.ok(count("write", "space.db-wal", 0) >= 10, "the write-ahead log begins again");
  assert.ok(count("sync", "space.db") >= 10, "checkpoints sync the database");
  const found = await sweep(recording, { seed, points });
  assert.deepEqual(found.violations, []);
  assert.ok(found.points >= points, `${found.points} points`);
  assert.ok(
    found.commits >= 200 && found.files >= 10,
    `${found.commits} commits, ${found.files} files`,
  );
  t.diagnostic(
    `${found.points} points of ${found.calls} calls, ${found.images} disks, 0 violations`,
  );
});

describe("the crash points find what is planted:", () => {
  for (const mistake of plants) {
    test(mistake.what, async () => {
      const folder = mkdtempSync(join(tmpdir(), "canopy-planted-"));
      try {
        const recording = await record({ seed, workload: plant(mistake, folder), lives: 2 });
        const found = await sweep(recording, { seed, violationsMax: 1 });
        assert.ok(found.violations.length > 0, `not found at ${found.points} points`);
      } finally {
        rmSync(folder, { recursive: true });
      }
    });
  }
});
