import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { parseWfCommons } from "#/model/wfcommons.ts";
import { generate } from "./generate.ts";

const file = join(import.meta.dirname, "assembly.json");

test("generate() gives the file beside it", async () => {
  assert.deepEqual(JSON.parse(await readFile(file, "utf8")), generate());
});

test("generate() gives a workflow of six kinds, with a fan out and a fan in, that can be run", async () => {
  const { request, recorded } = parseWfCommons(await readFile(file, "utf8"), file);
  assert.equal(new Set(request.steps.map(({ title }) => title)).size, 6);
  assert.equal(request.steps.length, recorded.tasks);
  assert.ok(recorded.tasks >= 60 && recorded.tasks <= 120);
  assert.equal(request.steps.at(-1)!.after!.length, 24);
  const cores = recorded.machines.reduce((sum, { cpus }) => sum + cpus!, 0);
  assert.ok(
    recorded.makespanMs! >= recorded.workMs / cores && recorded.makespanMs! <= recorded.workMs,
  );
});
