import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { silent } from "#/base/log.ts";
import { nodeHost } from "#/base/node/host.ts";
import { measureOf } from "./measure.ts";

const folder = mkdtempSync(join(tmpdir(), "canopy-measure-"));
after(() => rmSync(folder, { recursive: true }));
const host = nodeHost(silent);

describe("measureOf()", () => {
  test("tells how fast this computer is, once, and leaves nothing else behind", async () => {
    const measure = (await measureOf(host, folder))!;
    const { roundsPerSecond, memoryBytesPerSecond, diskBytesPerSecond, syncMs } = measure;
    for (const figure of [roundsPerSecond, memoryBytesPerSecond, diskBytesPerSecond])
      assert.ok(figure > 1e5, `${figure} is what a computer does`);
    assert.ok(syncMs >= 0);
    assert.deepEqual(readdirSync(folder), ["measured.json"]);
    assert.deepEqual(await measureOf(host, folder), measure, "it is kept");
  });

  test("measures anew on another computer, and where what was kept cannot be read", async () => {
    const before = (await measureOf(host, folder))!;
    const elsewhere = {
      ...host,
      processes: Object.create(host.processes) as typeof host.processes,
    };
    elsewhere.processes.facts = () => ({ ...host.processes.facts(), hostname: "another" });
    assert.notDeepEqual(await measureOf(elsewhere, folder), before);
    writeFileSync(join(folder, "measured.json"), "{");
    assert.ok(await measureOf(host, folder));
  });

  test("gives nothing where the disk takes nothing", async () => {
    const full = { ...host, files: Object.create(host.files) as typeof host.files };
    full.files.append = () => Promise.reject(new Error("ENOSPC"));
    assert.equal(await measureOf(full, join(folder, "none")), undefined);
  });
});
