import assert from "node:assert/strict";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { ftruncateSync, truncateSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { Chance } from "#/base/chance.ts";
import { silent } from "#/base/log.ts";
import { openDiskFile } from "#/base/nbd/disk-file.ts";
import { nodeHost } from "#/base/node/host.ts";
import { MemoryCopy } from "./memory-copy.ts";

const folder = mkdtempSync(join(tmpdir(), "canopy-memory-"));
after(() => rmSync(folder, { recursive: true }));

const host = nodeHost(silent);
const sizeBytes = 9 * 2 ** 20 + 4096;

for (const seed of [1, 2, 3])
  test(`a copy of memory that was written to all along is the same after a round in which it was not (seed ${seed})`, async () => {
    const chance = new Chance(seed);
    const source = join(folder, `source-${seed}`);
    const copy = join(folder, `copy-${seed}`);
    const file = openSync(source, "w+");
    ftruncateSync(file, sizeBytes);
    // What is there before is not what the source has there.
    writeFileSync(copy, Buffer.alloc(300_000, 7));
    truncateSync(copy, sizeBytes);
    const scribble = () => {
      const length = chance.between(1, 40_000);
      const at = chance.between(0, sizeBytes - length);
      const isCleared = chance.fraction() < 0.3;
      writeSync(file, isCleared ? Buffer.alloc(length) : chance.bytes(length), 0, length, at);
    };
    for (let times = 0; times < 50; times++) scribble();
    const parts = { ...host, folder, env: { PATH: process.env["PATH"]! } };
    const disk = await openDiskFile(parts, { path: copy, format: "raw" }, { isReadOnly: false });
    const memory = await MemoryCopy.begin(host, source, disk.contents);
    let isRunning = true;
    const run = () => {
      if (!isRunning) return;
      scribble();
      setImmediate(run);
    };
    run();
    await memory.runAhead();
    isRunning = false;
    assert.ok((await memory.round()) > 0, "it was written to meanwhile");
    assert.equal(await memory.round(), 0, "nothing goes twice");
    memory.close();
    await disk.close();
    assert.ok(readFileSync(copy).equals(readFileSync(source)));
    closeSync(file);
  });
