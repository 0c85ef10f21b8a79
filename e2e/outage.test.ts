import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, test } from "node:test";
import { limits } from "#/base/limits.ts";
import { newCloud } from "./clouds.ts";
import { until } from "./until.ts";

const outputBytes = 200_000;

interface StepView {
  phase: string;
  tasks: { succeeded: number; failed: number; lost: number; retried: number };
}

/** A cloud that runs so many tasks at once, each of which leaves a trace of every time that it ran. */
class Outage {
  readonly cloud = newCloud();
  readonly tasks: number;
  job = "";

  constructor(tasks: number) {
    this.tasks = tasks;
  }

  get #trace(): string {
    return join(this.cloud.dataFolder, "trace");
  }

  /** Resolves when all of them run. */
  async begin(lastMs: number): Promise<void> {
    await this.cloud.up();
    mkdirSync(this.#trace);
    const begun = join(this.cloud.dataFolder, "begun");
    mkdirSync(begun);
    const script =
      `touch ${begun}/{}; sleep ${lastMs / 1000}; head -c ${outputBytes} /dev/zero > out; ` +
      `echo ran >> ${this.#trace}/{}`;
    const { id } = await this.cloud.call<{ id: string }>("POST", "/v1/jobs", {
      title: "outage",
      steps: [
        {
          name: "slow",
          run: { driver: "process", command: ["sh", "-c", script] },
          needs: { cpus: 0.01, memoryBytes: 1 << 20 },
          outputs: [{ path: "out" }],
          source: { type: "inputs", inputs: Array.from({ length: this.tasks }, (_, at) => at) },
        },
      ],
    });
    this.job = id;
    await until("all tasks run", () => readdirSync(begun).length === this.tasks);
  }

  /** Resolves when all have ended and the agent has all that they made on its disk. */
  async allKept(): Promise<void> {
    const outbox = join(this.cloud.dataFolder, "agent", "outbox");
    await until("all tasks have ended", () => readdirSync(this.#trace).length === this.tasks);
    await until(
      "all that ended is on disk",
      () => existsSync(outbox) && linesOf(outbox) === this.tasks,
    );
  }

  /** Every task ran once, and its result is recorded once. */
  async check(): Promise<void> {
    const path = `/v1/jobs/${this.job}/steps/0`;
    let step = await this.cloud.call<StepView>("GET", path);
    for (let tries = 0; step.phase === "running" && tries < 600; tries++) {
      await sleep(50);
      step = await this.cloud.call<StepView>("GET", path);
    }
    const { succeeded, failed, lost, retried } = step.tasks;
    assert.deepEqual(
      { phase: step.phase, succeeded, failed, lost, retried },
      { phase: "succeeded", succeeded: this.tasks, failed: 0, lost: 0, retried: 0 },
    );
    const traces = readdirSync(this.#trace);
    assert.equal(traces.length, this.tasks);
    for (const name of traces)
      assert.equal(linesOf(join(this.#trace, name)), 1, `${name} ran again`);
    const headers = { authorization: `Bearer ${this.cloud.key}` };
    const results = await fetch(`${this.cloud.url}${path}/results`, { headers });
    const lines = (await results.text())
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { index?: number });
    assert.deepEqual(
      lines.flatMap(({ index }) => index ?? []),
      Array.from({ length: this.tasks }, (_, at) => at),
    );
    const task = await this.cloud.call<{ outputs: Record<string, string> }>(
      "GET",
      `${path}/tasks/0`,
    );
    const blob = await fetch(`${this.cloud.url}/v1/blobs/${task.outputs["out"]}`, { headers });
    assert.equal((await blob.arrayBuffer()).byteLength, outputBytes);
  }
}

const linesOf = (path: string) => readFileSync(path, "utf8").trim().split("\n").length;

describe("an agent whose cloud is away", { concurrency: true }, () => {
  test("hands in what it finished, after longer than a lease", async () => {
    const outage = new Outage(20);
    await outage.begin(1000);
    await outage.cloud.kill();
    const sinceMs = performance.now();
    await outage.allKept();
    await sleep(limits.leaseMs + 2000 - (performance.now() - sinceMs));
    await outage.cloud.up();
    await outage.check();
  });

  test("goes on with what it runs when the cloud is back before that has ended", async () => {
    const outage = new Outage(20);
    await outage.begin(limits.leaseMs + 4000);
    await outage.cloud.kill();
    await sleep(limits.leaseMs + 2000);
    await outage.cloud.up();
    await outage.check();
  });

  test("loses nothing that had ended when it is killed too", async () => {
    const outage = new Outage(20);
    await outage.begin(1000);
    await outage.cloud.kill();
    await outage.allKept();
    process.kill(outage.cloud.agentPid, "SIGKILL");
    await outage.cloud.up();
    await outage.check();
    const folder = join(outage.cloud.dataFolder, "agent");
    await until("all was handed in", () => !existsSync(join(folder, "outbox")));
    assert.deepEqual(
      readdirSync(join(folder, "owed", "default")).filter((name) =>
        statSync(join(folder, "owed", "default", name)).isFile(),
      ),
      [],
    );
  });
});
