import assert from "node:assert/strict";
import { test } from "node:test";
import { fuzz } from "./run.ts";

test("malformed requests crash nothing, get no 5xx, succeed for nobody and leave nothing half done", async () => {
  const { faults, requests, answers, objectsLooked } = await fuzz({
    requests: 3000,
    seed: 20261123,
  });
  assert.deepEqual(faults, []);
  assert.ok(requests >= 3000 && objectsLooked > 0);
  for (const status of ["200", "400", "403", "404"])
    assert.ok((answers[status] ?? 0) > 50, `${answers[status]} answers with ${status}`);
});
