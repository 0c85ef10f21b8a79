import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { postgresMissing } from "#/base/testing/postgres-server.ts";
import { newSharedCloud } from "./clouds.ts";
import { until } from "./until.ts";

assert.equal(postgresMissing, undefined);

interface Step {
  phase: string;
  tasks: { succeeded: number; lost: number };
}

test("a control plane's own agent goes on with what it runs over another one when that dies for good", async () => {
  const cloud = await newSharedCloud(3, 0, []);
  const [first, second] = cloud.planes;
  assert.ok(first && second);
  const trace = join(cloud.folder, "trace");
  mkdirSync(trace);
  const tasks = 20;
  const script = `echo began >> ${trace}/{}; sleep 8; echo ended >> ${trace}/{}; head -c 100000 /dev/zero > out`;
  const { id } = await first.call<{ id: string }>("POST", "/v1/jobs", {
    title: "failover",
    steps: [
      {
        name: "slow",
        run: { driver: "process", command: ["sh", "-c", script] },
        needs: { cpus: 0.01, memoryBytes: 1 << 20 },
        outputs: [{ path: "out" }],
        source: { type: "inputs", inputs: Array.from({ length: tasks }, (_, at) => at) },
      },
    ],
  });
  await until("all tasks run", () => readdirSync(trace).length === tasks);
  await until("the others have told of themselves", async () => {
    const { leader, followers } = await cloud.roles();
    return leader === first && followers.length === 2;
  });
  await first.kill();
  let step: Step | undefined;
  await until("the step has ended", async () => {
    const path = `/v1/jobs/${id}/steps/0`;
    step = await second.call<Step>("GET", path).catch(() => step); // nobody leads for a moment
    return step !== undefined && step.phase !== "running";
  });
  assert.deepEqual(step, {
    ...step!,
    phase: "succeeded",
    tasks: { ...step!.tasks, succeeded: tasks, lost: 0 },
  });
  for (const name of readdirSync(trace))
    assert.equal(readFileSync(join(trace, name), "utf8"), "began\nended\n");
  const machines = await second.call<{ items: { connected: boolean }[] }>("GET", "/v1/machines");
  assert.deepEqual(
    machines.items.map(({ connected }) => connected),
    [true],
  );
});
