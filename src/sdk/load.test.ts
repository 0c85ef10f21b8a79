import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";
import { startAgent } from "#/api/testing/agent.ts";
import { startWorld, type World } from "#/api/testing/world.ts";
import { limits } from "#/base/limits.ts";
import { appendAll } from "./appender.ts";
import { connect, type Client } from "./client.ts";
import { TaskFailed } from "./failures.ts";
import { load } from "./load.ts";
import { readStep } from "./results.ts";
import type { Job, Task } from "./task.ts";

interface Module {
  same: Task<[n: number], number>;
  main: Job<[n: number], number>;
}

const folder = mkdtempSync(join(tmpdir(), "canopy-load-"));
const file = join(folder, "work.ts");
let world: World;
let client: Client;

before(async () => {
  writeFileSync(
    file,
    'import { job, task } from "canopy-cloud/sdk";\nexport const same = task((n: number) => n, { retries: 0 });\nexport const main = job(async (n: number) => await same(n));\n',
  );
  world = await startWorld();
  const url = await world.listen();
  client = await connect({ url, key: world.root });
  const agent = await startAgent(world, url);
  // A machine on which every function gives its first argument, and refuses 13.
  agent.work(({ input }) => {
    const [first = 0] = (JSON.parse(input) ?? []) as number[]; // nothing inline of a large one
    if (first === 13)
      return {
        error: { reason: "threw", message: "unlucky", stack: "Error: unlucky\n    at work.ts:2:1" },
      };
    return { result: JSON.stringify(first) };
  });
});
after(async () => {
  await world.stop();
  rmSync(folder, { recursive: true });
});

test("load() gives a module's tasks and jobs, each call a job of its own on the cloud", async () => {
  const { same, main } = await load<Module>(pathToFileURL(file), { client });
  assert.equal(await same(4), 4);
  assert.deepEqual(await same.map([1, 2, 3]), [1, 2, 3]);
  const many = Array.from({ length: 3000 }, (_, n) => n + 100);
  assert.deepEqual(await same.map(many), many);
  const unordered: number[] = [];
  for await (const n of same.map(new Set(many), { ordered: false })) unordered.push(n);
  assert.deepEqual(
    unordered.sort((a, b) => a - b),
    many,
  );
  assert.equal(await main(7), 7);
  const handle = await main.start(8);
  assert.match(handle.id, /^j/);
  assert.equal(await handle.result(), 8);
});

test("a failure on the cloud throws TaskFailed here, with where it happened", async () => {
  const { same, main } = await load<Module>(file, { client });
  await assert.rejects(same(13), (thrown) => {
    assert.ok(thrown instanceof TaskFailed && thrown.reason === "threw");
    assert.match(thrown.message, /^same \(task j\w+\/0\/0\) threw unlucky$/);
    assert.match(thrown.stack!, /work\.ts:2:1/);
    return true;
  });
  await assert.rejects(async () => await same.map([1, 13, 2]), TaskFailed);
  const values = await same.map([1, 13, 2], { errors: "values" });
  assert.deepEqual(
    values.map((value) => (value instanceof TaskFailed ? "failed" : value)),
    [1, "failed", 2],
  );
  await assert.rejects(main(13), TaskFailed);
});

test("appendAll() and readStep() carry any number of tasks, each once, in either order", async () => {
  const run = { driver: "process" as const, command: ["true"] };
  const { id } = await client.submitJob({
    title: "many",
    steps: [{ name: "many", run, source: { type: "list" } }],
  });
  const count = 2 * limits.appendTasksMax + 17;
  const inputs = async function* () {
    for (let n = 0; n < count; n++)
      yield n === 5 ? JSON.stringify(["x".repeat(limits.inlineBytesMax + 1)]) : `[${n + 100}]`;
  };
  assert.equal(await appendAll(client, id, 0, inputs()), count);
  assert.equal((await client.job(id)).tasks.offered, count);
  for (const order of ["finish", "index"] as const) {
    const seen = new Set<number>();
    for await (const batch of readStep(client, id, 0, { order }))
      for (const { index } of batch) seen.add(index);
    assert.equal(seen.size, count);
  }
});
