import assert from "node:assert/strict";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { textOf } from "#/base/body.ts";
import { silent } from "#/base/log.ts";
import { nodeFiles } from "#/base/node/files.ts";
import { Segments } from "./segments.ts";

const pieces = (...texts: string[]) => texts.map((text) => Buffer.from(text));

test("Segments gives what was kept, in memory or spilled, whole or in part, until it is forgotten", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "canopy-segments-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const segments = new Segments({ files: nodeFiles, log: silent }, folder, 40);
  for (const job of ["j1", "j2"]) {
    for (let index = 0; index < 4; index++) {
      const sizes = segments.keep(`${job}/0/${index}`, [
        pieces(`${job}`, "abc"),
        [],
        pieces(`${index}defgh`),
      ]);
      assert.deepEqual(sizes, [5, 0, 6]);
    }
  }
  await segments.settled();
  assert.ok(segments.memoryBytes <= 40);
  assert.equal((await readdir(folder)).length, 5, "the oldest went to disk, no more than had to");
  for (const job of ["j1", "j2"]) {
    for (let index = 0; index < 4; index++) {
      const name = (partition: number) => `${job}/0/${index}/${partition}`;
      assert.equal(await textOf(segments.read(name(0))), `${job}abc`);
      assert.equal(await textOf(segments.read(name(1))), "");
      assert.equal(await textOf(segments.read(name(2), { offset: 2, length: 3 })), "efg");
      assert.equal(await textOf(segments.read(name(2), { offset: 4, length: 99 })), "gh");
      assert.equal(await textOf(segments.read(name(2), { offset: 6, length: 1 })), "");
      assert.equal(segments.sizeOf(name(2)), 6);
    }
  }
  segments.keep("j1/0/0", [pieces("again"), [], []]);
  assert.equal(await textOf(segments.read("j1/0/0/0")), "again");
  for (const job of ["j1", "j2"]) segments.forget(job);
  assert.equal(segments.memoryBytes, 0);
  assert.equal(segments.sizeOf("j1/0/1/0"), undefined);
  while ((await readdir(folder)).length > 0) await new Promise((resolve) => setTimeout(resolve, 5));
});
