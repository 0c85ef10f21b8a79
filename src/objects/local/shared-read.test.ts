import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { ManualClock } from "#/base/manual-clock.ts";
import { SharedRead } from "./shared-read.ts";

test("reads of one turn share a transaction, which ends with the turn or before a change", async () => {
  const database = new DatabaseSync(":memory:");
  const clock = new ManualClock();
  const reads = new SharedRead(database, clock);
  reads.begin();
  reads.begin();
  assert.equal(database.isTransaction, true);
  await clock.advance(0);
  assert.equal(database.isTransaction, false);
  reads.begin();
  reads.end();
  database.exec("BEGIN IMMEDIATE");
  await clock.advance(0);
  assert.equal(database.isTransaction, true, "what another began is not ended");
  database.exec("COMMIT");
  reads.begin();
  database.close();
  await clock.advance(0);
});
