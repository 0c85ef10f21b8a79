import assert from "node:assert/strict";
import { test } from "node:test";
import type { InstanceReport, VolumeReport } from "#/model/hosting.ts";
import { fold } from "./fold.ts";
import { Estate } from "./testing/estate.ts";

test("a volume that failed is sound again once its machine has done what was tried again", async () => {
  const estate = await Estate.make([[]]);
  estate.launch("i-1", "m0", { volume: {} });
  const { space } = estate;
  const said = (report: Omit<VolumeReport, "volume">) => {
    const volumes = [{ volume: "vol-i-1", ...report }];
    const reports = { instances: [], volumes, snapshots: [], gone: [] };
    space.commit((tx) => fold(tx, space, { machine: "m0", reports, now: 0 }));
    const { state, reason, grownBytes } = space.get("volume", "vol-i-1")!.status;
    return [state, reason, grownBytes];
  };
  assert.deepEqual(said({ state: "here", sizeBytes: 4 }), ["in-use", undefined, 4]);
  assert.deepEqual(said({ state: "failed", reason: "no space" }), ["error", "no space", 4]);
  assert.deepEqual(said({ state: "making" }), ["error", "no space", 4]);
  assert.deepEqual(said({ state: "here", sizeBytes: 8 }), ["in-use", undefined, 8]);
});

test("an instance that crashed is told to have, until it begins under another fence", async () => {
  const estate = await Estate.make([[]]);
  estate.launch("i-1", "m0");
  const { space } = estate;
  const said = (fence: number, more: Partial<InstanceReport>) => {
    const report = { instance: "i-1", fence, state: "running" as const, reboots: 0, ...more };
    const reports = { instances: [report], volumes: [], snapshots: [], gone: [] };
    space.commit((tx) => fold(tx, space, { machine: "m0", reports, now: 0 }));
    return estate.instance().status;
  };
  const { fence } = estate.instance().status;
  const crashed = { at: 5, message: "The guest's kernel has given up" };
  assert.deepEqual(said(fence, { startedAt: 6, crashed }).crashed, crashed);
  assert.deepEqual(said(fence, { startedAt: 6, crashed }).crashed, crashed);
  space.commit((tx) => {
    const record = tx.get("instance", "i-1")!;
    tx.put<"instance">({ ...record, status: { ...record.status, fence: fence + 1 } });
  });
  assert.equal(said(fence + 1, { startedAt: 7 }).crashed, undefined);
});
