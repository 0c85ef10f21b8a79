import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Tally } from "../faults/tally.ts";
import { Disk } from "./disk.ts";
import { Life } from "./life.ts";
import { World } from "./world.ts";

/** Runs `story` on a disk of its own, for many seeds. */
async function onDisks(
  story: (disk: Disk, life: Life) => Promise<unknown>,
): Promise<{ disk: Disk; given: unknown; text: (path: string) => string | undefined }[]> {
  const all = [];
  for (let seed = 1; seed <= 40; seed++) {
    const world = new World(seed);
    const disk = new Disk(world, new Tally());
    let given: unknown;
    let isDone = false;
    void story(disk, new Life("test")).then((value) => {
      given = value;
      isDone = true;
    });
    await world.run(() => isDone);
    const text = (path: string) => {
      const pieces = disk.piecesOf(path);
      return pieces && Buffer.concat(pieces).toString();
    };
    all.push({ disk, given, text });
  }
  return all;
}

const old = "a".repeat(2000);
const fresh = "b".repeat(2000);

describe("a power cut", () => {
  test("leaves what was synced, and takes, tears or leaves what was not", async () => {
    const fates = new Set<string>();
    const runs = await onDisks(async (disk, life) => {
      const file = await disk.of(life).append("/f");
      await file.write(old);
      await file.sync();
      await file.write(fresh);
    });
    for (const { disk, text } of runs) {
      disk.cut();
      const left = text("/f")!;
      assert.ok(left.startsWith(old));
      const rest = left.slice(old.length);
      fates.add(rest === "" ? "lost" : rest === fresh ? "kept" : "torn");
    }
    assert.deepEqual([...fates].toSorted(), ["kept", "lost", "torn"]);
  });

  test("takes a new name whose folder was not synced, whatever became of its content", async () => {
    const fates = new Set<string>();
    const runs = await onDisks(async (disk, life) => {
      await disk.of(life).makeFolder("/folder", { durable: true });
      await disk.add(life, "/folder/f", Buffer.from(fresh));
      await disk.sync(life, "/folder/f");
    });
    for (const { disk, text } of runs) {
      disk.cut();
      fates.add(text("/folder/f") ?? "gone");
    }
    assert.deepEqual([...fates].toSorted(), [fresh, "gone"]);
  });

  test("leaves what is to be on disk with all the folders that it is in, also those made before", async () => {
    const runs = await onDisks(async (disk, life) => {
      const files = disk.of(life);
      await files.makeFolder("/a/b/c");
      const file = await files.append("/a/b/c/appended");
      await file.write(fresh);
      await file.sync();
      await files.makeFolder("/d/e");
      await files.write("/d/e/written", fresh);
      await files.makeFolder("/d/g/h");
      await files.rename("/d/e/written", "/d/g/h/renamed");
      await files.makeFolder("/d/g/h", { durable: true });
    });
    for (const { disk, text } of runs) {
      disk.cut();
      assert.equal(text("/a/b/c/appended"), fresh);
      assert.equal(text("/d/g/h/renamed"), fresh);
    }
  });

  test("leaves a file that is being replaced as it was or as it is to be, and never half", async () => {
    const met = new Set<string>();
    const runs = await onDisks(async (disk, life) => {
      const files = disk.of(life);
      await files.write("/f", old);
      void files.write("/f", fresh);
      await files.read("/f");
      for (let wait = 0; wait < 60; wait++) await files.stat("/f");
    });
    for (const { disk, text } of runs) {
      disk.cut();
      met.add(text("/f")!);
    }
    for (const content of met) assert.ok(content === old || content === fresh);
    assert.ok(met.has(fresh));
  });

  test("takes what a failed sync was to write, though a later one succeeds", async () => {
    const runs = await onDisks(async (disk, life) => {
      const file = await disk.of(life).append("/f");
      await file.write("first");
      await file.sync();
      disk.failingSyncs = 1;
      await file.write("second");
      await assert.rejects(file.sync(), { code: "EIO" });
      await file.write("third");
      await file.sync();
      return Buffer.from((await disk.of(life).read("/f"))!).toString();
    });
    for (const { disk, given, text } of runs) {
      assert.equal(given, "firstsecondthird");
      disk.cut();
      assert.equal(text("/f"), `first${"\0".repeat(6)}third`);
    }
  });
});

test("a full disk refuses a write and keeps what it has", async () => {
  const runs = await onDisks(async (disk, life) => {
    await disk.of(life).write("/f", old);
    disk.freeBytes = 10;
    await assert.rejects(disk.of(life).write("/f", fresh), { code: "ENOSPC" });
  });
  for (const { text } of runs) assert.equal(text("/f"), old);
});
