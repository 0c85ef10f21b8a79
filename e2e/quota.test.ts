import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { newCloud } from "./clouds.ts";

const cloud = newCloud();

test("a project lends its quota to another, takes it back, and what had to end for that runs again", async () => {
  await cloud.up();
  const must = async (...args: string[]) => {
    const { code, stdout, stderr } = await cloud.canopy(...args);
    assert.equal(code, 0, `${args.join(" ")}: ${stderr}`);
    return stdout;
  };
  for (const name of ["lender", "borrower"]) {
    await must("project", "create", name);
    await must("project", "set", name, "--quota", "0.5cpu", "--cohort", "lab");
  }
  const starts = join(cloud.dataFolder, "starts");
  const { id } = await cloud.call<{ id: string }>("POST", "/v1/jobs?project=borrower", {
    title: "borrows",
    steps: [
      {
        name: "work",
        run: { driver: "process", command: ["sh", "-c", `echo {} >> ${starts}; sleep 12`] },
        needs: { cpus: 0.5 },
        retries: 0,
        source: { type: "inputs", inputs: [0, 1] },
      },
    ],
  });
  const begun = () => readFileSync(starts, { encoding: "utf8", flag: "a+" }).trim().split("\n");
  await until(() => begun().length === 2);
  const mine = await cloud.canopy(
    "run",
    "--project",
    "lender",
    "--cpus",
    "0.5",
    "--",
    "echo",
    "mine",
  );
  assert.equal(mine.code, 0, mine.stderr);
  const both = [`${id}/0/0`, `${id}/0/1`];
  const reasons = await Promise.all(
    both.map((task) => must("why", task, "--project", "borrower", "--json")),
  );
  const phases = reasons.map((text) => (JSON.parse(text) as { phase: string }).phase);
  assert.ok(phases.includes("running"), `the other job is not done yet: ${phases.join()}`);
  const followed = await cloud.canopy("follow", id, "--project", "borrower");
  assert.equal(followed.code, 0, followed.stderr);
  assert.equal(begun().length, 3, `one of two began twice: ${reasons.join()}`);
  const { tasks } = await cloud.call<{ tasks: Record<string, number> }>(
    "GET",
    `/v1/jobs/${id}?project=borrower`,
  );
  const { succeeded, failed, lost, retried } = tasks;
  assert.deepEqual([succeeded, failed, lost, retried], [2, 0, 0, 0]);
});

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await sleep(50);
}
