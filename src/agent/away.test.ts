import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { test, type TestContext } from "node:test";
import { nodeHost } from "#/base/node/host.ts";
import { silent } from "#/base/log.ts";
import { processDriver } from "#/drivers/process/process.ts";
import { briefOf } from "#/drivers/testing/rig.ts";
import type { StepBrief, TaskOffer } from "#/model/wire.ts";
import { startAgent } from "./agent.ts";
import type { Agent } from "./options.ts";
import { FakeCloud } from "./testing/fake-cloud.ts";

/** A folder for an agent, and clouds for it: all over when the test is, in that order. */
class Scene {
  readonly folder: string;
  #agents: Agent[] = [];
  #clouds: FakeCloud[] = [];

  constructor(t: TestContext) {
    this.folder = mkdtempSync(join(tmpdir(), "canopy-away-"));
    t.after(async () => {
      await Promise.all(this.#agents.map((agent) => agent.stop()));
      await Promise.all(this.#clouds.map((cloud) => cloud.close()));
      rmSync(this.folder, { recursive: true });
    });
  }

  async cloud(port = 0, cloud = new FakeCloud()): Promise<FakeCloud> {
    await cloud.listen(port);
    this.#clouds.push(cloud);
    return cloud;
  }

  /** An agent that was welcomed, or one that may be when nobody is waited for. */
  async agent(url: string): Promise<Agent> {
    const agent = await startAgent({
      host: nodeHost(silent),
      folder: this.folder,
      urls: [url],
      token: "good-token",
      labels: {},
      version: "1",
      drivers: [processDriver],
      rates: { microsPerHour: undefined, idleWatts: 1, peakWatts: 2, pue: 1 },
      env: { PATH: process.env["PATH"] ?? "/usr/bin:/bin" },
    });
    this.#agents.push(agent);
    await agent.connected;
    return agent;
  }

  /** The blobs that wait for the cloud. */
  async owed(): Promise<string[]> {
    const names = await readdir(join(this.folder, "owed", "default")).catch(() => []);
    return names.filter((name) => /^[0-9a-f]{64}$/.test(name));
  }
}

async function until(condition: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await condition())) await sleep(5);
}

const shell = (script: string, more: object = {}): StepBrief =>
  briefOf({
    run: { driver: "process", command: ["sh", "-c", script], env: {}, stdin: false },
    ...more,
  });

const offer = (task: string, fence: number): TaskOffer => ({
  task,
  fence,
  input: "null",
  attempt: 1,
});

const writesOut = shell("echo large > out", { outputs: [{ path: "out", optional: false }] });

test("what ended while the cloud was away outlives the agent, with its blobs", async (t) => {
  const scene = new Scene(t);
  const cloud = await scene.cloud();
  const earlier = await scene.agent(cloud.url);
  const steps = { "j1/0": shell("true"), "j1/1": writesOut, "j1/2": shell("sleep 60") };
  const offers = [offer("j1/0/0", 1), offer("j1/1/0", 2), offer("j1/2/0", 3)];
  cloud.offer(earlier.machine, steps, offers);
  await cloud.close();
  const outbox = join(scene.folder, "outbox");
  await until(async () => (await scene.owed()).length === 1);
  await until(async () => (await readFile(outbox, "utf8").catch(() => "")).includes("j1/1/0"));
  // As after a kill -9: the earlier agent has said nothing more, and a new one has its folder.
  const next = await scene.cloud();
  const later = await scene.agent(next.url);
  await next.until(() => next.reports.length === 2);
  assert.deepEqual(
    next.linkOf(later.machine).hello!.holds.toSorted(([a], [b]) => (a < b ? -1 : 1)),
    [
      ["j1/0/0", 1],
      ["j1/1/0", 2],
    ],
  );
  const ends = new Map(next.reports.map((report) => [report.task, report]));
  assert.equal(ends.get("j1/0/0")!.error, undefined);
  const key = ends.get("j1/1/0")!.outputs!["out"]!;
  assert.equal(next.blobs.get(key)!.toString(), "large\n");
  assert.deepEqual(await scene.owed(), []);
});

test("an output that the cloud cannot take waits on disk, and its report for it", async (t) => {
  const scene = new Scene(t);
  const cloud = await scene.cloud();
  const { machine } = await scene.agent(cloud.url);
  cloud.offer(machine, { "j1/1": writesOut }, [offer("j1/1/0", 1)]);
  const { port } = cloud;
  await cloud.close();
  await until(async () => (await scene.owed()).length === 1);
  const full = new FakeCloud();
  full.blobStatus = 507;
  const next = await scene.cloud(port, full);
  await next.until(() => next.links.length > 0 && next.linkOf(machine).hello !== undefined);
  assert.deepEqual(next.linkOf(machine).hello!.holds, [["j1/1/0", 1]]);
  await next.until(() =>
    next.linkOf(machine).heard.some((said) => said.type === "beat" && said.running.length === 1),
  );
  assert.equal(next.reports.length, 0);
  next.blobStatus = 201;
  await next.until(() => next.reports.length === 1);
  assert.deepEqual(Object.values(next.reports[0]!.outputs!), [...next.blobs.keys()]);
});

test("an output that the disk has damaged costs the task no attempt of its own", async (t) => {
  const scene = new Scene(t);
  const cloud = await scene.cloud();
  const { machine } = await scene.agent(cloud.url);
  cloud.offer(machine, { "j1/1": writesOut }, [offer("j1/1/0", 1)]);
  const { port } = cloud;
  await cloud.close();
  await until(async () => (await scene.owed()).length === 1);
  const [key] = await scene.owed();
  await writeFile(join(scene.folder, "owed", "default", key!), "small\n");
  const next = await scene.cloud(port);
  await next.until(() => next.reports.length === 1);
  assert.equal(next.reports[0]!.error!.reason, "machine-lost");
});

test("a task whose input cannot be had while the cloud is away waits for it", async (t) => {
  const scene = new Scene(t);
  const cloud = await scene.cloud();
  const { machine } = await scene.agent(cloud.url);
  const key = cloud.blob("text");
  const brief = shell("cat in", { inputs: [{ path: "in", from: { blob: key } }] });
  const { port } = cloud;
  cloud.offer(machine, { "j1/0": brief }, [offer("j1/0/0", 1)]);
  await cloud.close();
  await sleep(500);
  const next = new FakeCloud();
  next.blob("text");
  await scene.cloud(port, next);
  await next.until(() => next.reports.length === 1);
  assert.equal(next.reports[0]!.error, undefined);
  assert.equal(next.logs[0]!.text, "text");
});

test("an agent that stops while its cloud is away ends at once, and forgets nothing that ended", async (t) => {
  const scene = new Scene(t);
  const cloud = await scene.cloud();
  const agent = await scene.agent(cloud.url);
  const lacks = shell("true", { inputs: [{ path: "in", from: { blob: "0".repeat(64) } }] });
  const steps = { "j1/0": shell("echo done"), "j1/1": lacks };
  const { port } = cloud;
  cloud.offer(agent.machine, steps, [offer("j1/0/0", 1), offer("j1/1/0", 2)]);
  await cloud.close();
  await until(() => stat(join(scene.folder, "outbox")).then(Boolean, () => false));
  await agent.stop();
  const next = await scene.cloud(port);
  await scene.agent(next.url);
  await next.until(() => next.reports.length === 1);
  assert.equal(next.reports[0]!.task, "j1/0/0");
});

test("an agent goes on over another control plane that it was told of, after its own restart too", async (t) => {
  const scene = new Scene(t);
  const [one, two] = [await scene.cloud(), await scene.cloud()];
  const { url } = one;
  one.controlPlanes = two.controlPlanes = [one.url, two.url];
  const agent = await scene.agent(url);
  one.offer(agent.machine, { "j1/1": writesOut }, [offer("j1/1/0", 1)]);
  await one.close();
  await two.until(() => two.reports.length === 1);
  assert.equal(two.blobs.size, 1, "calls beside the link go there too");
  await agent.stop();
  const later = await scene.agent(url);
  assert.equal(later.machine, agent.machine);
  assert.equal(two.links.length, 2);
});
