import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { after, test } from "node:test";
import { postgresMissing, PostgresServer } from "#/base/testing/postgres-server.ts";
import { TestCloud } from "./cloud.ts";

const ends: (() => Promise<void>)[] = [];
after(async () => {
  for (const end of ends.toReversed()) await end();
});

interface Machines {
  items: { name: string; connected: boolean; running: number }[];
}

/** Control planes over one log: the first one leads, and only it has an agent. */
async function planesOf(count: number): Promise<TestCloud[]> {
  const server = await PostgresServer.start();
  ends.push(() => server.stop());
  const planes: TestCloud[] = [];
  for (let at = 0; at < count; at++) {
    const plane = new TestCloud();
    ends.push(() => plane.stop());
    await plane.up("--log", server.url, ...(at > 0 ? ["--no-agent"] : []));
    planes.push(plane);
  }
  return planes;
}

test(
  "an agent goes on with what it runs over another control plane when the leading one dies for good",
  { skip: process.env["CI"] === "true" ? false : postgresMissing },
  async () => {
    const [first, second] = await planesOf(3);
    assert.ok(first && second);
    const trace = join(first.dataFolder, "trace");
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
    while (readdirSync(trace).length < tasks) await sleep(20);
    await sleep(2000); // the others have told of themselves
    await first.kill();
    const path = `/v1/jobs/${id}/steps/0`;
    let step: { phase: string; tasks: { succeeded: number; lost: number } } | undefined;
    for (let tries = 0; step?.phase !== "succeeded" && tries < 600; tries++) {
      await sleep(50);
      step = await second.call<NonNullable<typeof step>>("GET", path).catch(() => step);
    }
    assert.deepEqual(
      { succeeded: step!.tasks.succeeded, lost: step!.tasks.lost },
      { succeeded: tasks, lost: 0 },
    );
    for (const name of readdirSync(trace))
      assert.equal(readFileSync(join(trace, name), "utf8"), "began\nended\n");
    const machines = await second.call<Machines>("GET", "/v1/machines");
    assert.deepEqual(
      machines.items.map(({ connected }) => connected),
      [true],
    );
  },
);
