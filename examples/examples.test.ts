import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { TestCloud } from "../e2e/cloud.ts";

const example = (name: string) => join(import.meta.dirname, name);

describe("the examples, run as their users would", () => {
  const cloud = new TestCloud();
  before(() => cloud.up());
  after(() => cloud.stop());

  test("hello.ts greets once for each name, in order", async () => {
    const { code, stdout, stderr } = await cloud.canopy("run", example("hello.ts"), "4");
    assert.equal(code, 0, stderr);
    assert.deepEqual(stdout.trim().split("\n"), [
      "hello, machine 1",
      "hello, machine 2",
      "hello, machine 3",
      "hello, machine 4",
    ]);
  });

  test("primes.ts adds up parts in whatever order they come", async () => {
    const { code, stdout, stderr } = await cloud.canopy(
      "run",
      example("primes.ts"),
      "20000",
      "--json=result",
    );
    assert.equal(code, 0, stderr);
    assert.equal((JSON.parse(stdout) as { result: number }).result, 2262);
  });

  test("sweep.yaml runs a program once for each combination", async () => {
    const ran = await cloud.canopy("run", example("sweep.yaml"), "--json=id,tasks");
    assert.equal(ran.code, 0, ran.stderr);
    const { id, tasks } = JSON.parse(ran.stdout) as { id: string; tasks: { succeeded: number } };
    assert.equal(tasks.succeeded, 15);
    const { stdout } = await cloud.canopy("logs", id);
    for (const angle of [15, 30, 45, 60, 75]) {
      for (const speed of [10, 20, 30]) {
        const metres = (speed ** 2 * Math.sin((2 * angle * Math.PI) / 180)) / 9.81;
        const line = `${angle} degrees, ${speed} m/s: ${metres.toFixed(1)} m`;
        assert.ok(stdout.includes(line), `${line} is not in:\n${stdout}`);
      }
    }
  });

  test("pipeline.ts goes on from its last finished step when its cloud and its agent are killed", async () => {
    const precision = 0.0005;
    const started = await cloud.canopy(
      "run",
      example("pipeline.ts"),
      String(precision),
      "--detach",
      "--json=id",
    );
    assert.equal(started.code, 0, started.stderr);
    const { id } = JSON.parse(started.stdout) as { id: string };
    await finishedSteps(cloud, id, 3);
    process.kill(cloud.agentPid, "SIGKILL");
    await cloud.kill();
    await cloud.up();

    const followed = await cloud.canopy("follow", id, "--json=phase,result");
    assert.equal(followed.code, 0, followed.stderr);
    const { phase, result } = JSON.parse(followed.stdout) as {
      phase: string;
      result: { estimate: number; error: number; rounds: number; tookMs: number };
    };
    assert.equal(phase, "succeeded");
    assert.ok(result.error <= precision && result.rounds > 3, JSON.stringify(result));
    // The error is two standard deviations; six of them are met once in 500 million runs.
    assert.ok(Math.abs(result.estimate - Math.PI) < 3 * result.error, JSON.stringify(result));
    assert.ok(result.tookMs > 0);
  });
});

/** Waits until a job has so many steps that succeeded. */
async function finishedSteps(cloud: TestCloud, job: string, wanted: number): Promise<void> {
  for (let turn = 0; turn < 3000; turn++) {
    const { items } = await cloud.call<{ items: { phase: string }[] }>(
      "GET",
      `/v1/jobs/${job}/steps`,
    );
    if (items.filter(({ phase }) => phase === "succeeded").length >= wanted) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`${job} did not finish ${wanted} steps`);
}
