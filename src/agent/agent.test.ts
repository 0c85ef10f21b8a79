import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { nodeHost } from "#/base/node/host.ts";
import { silent } from "#/base/log.ts";
import { processDriver } from "#/drivers/process/process.ts";
import { runnerDriver } from "#/drivers/runner/runner.ts";
import { briefOf } from "#/drivers/testing/rig.ts";
import type { FunctionRun } from "#/model/task.ts";
import type { FromAgent, StepBrief, TaskOffer } from "#/model/wire.ts";
import { startAgent } from "./agent.ts";
import type { Agent, StartAgentOptions } from "./options.ts";
import { FakeCloud } from "./testing/fake-cloud.ts";
import { FakeComputer } from "./testing/fake-hosting.ts";

async function cloudOf(t: TestContext): Promise<FakeCloud> {
  const cloud = new FakeCloud();
  await cloud.listen();
  t.after(() => cloud.close());
  return cloud;
}

async function folderOf(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "canopy-agent-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

async function agentOf(
  t: TestContext,
  cloud: FakeCloud,
  more: Partial<StartAgentOptions> = {},
): Promise<Agent> {
  const agent = await startAgent({
    host: nodeHost(silent),
    folder: more.folder ?? (await folderOf(t)),
    urls: [cloud.url],
    token: cloud.token,
    labels: {},
    version: "1",
    drivers: [runnerDriver, processDriver],
    rates: { microsPerHour: undefined, idleWatts: 1, peakWatts: 2, pue: 1 },
    env: { PATH: process.env["PATH"] ?? "/usr/bin:/bin" },
    ...more,
  });
  t.after(() => agent.stop());
  return agent;
}

let fence = 0;
const offerOf = (task: string, more: Partial<TaskOffer> = {}): TaskOffer => ({
  task,
  fence: ++fence,
  input: "null",
  attempt: 1,
  ...more,
});

const shell = (script: string, more: object = {}): StepBrief =>
  briefOf({
    run: { driver: "process", command: ["sh", "-c", script], env: {}, stdin: false },
    ...more,
  });

const said = (messages: FromAgent[], type: FromAgent["type"]) =>
  messages.filter((message) => message.type === type);

test("an agent joins with a token once, and keeps its own key where only its owner reads", async (t) => {
  const cloud = await cloudOf(t);
  const folder = await folderOf(t);
  await assert.rejects(agentOf(t, cloud, { folder, token: "bad" }), { code: "unauthenticated" });
  const first = await agentOf(t, cloud, { folder });
  await first.connected;
  await first.stop();
  const path = join(folder, "identity.json");
  assert.equal((await stat(path)).mode & 0o777, 0o600);
  assert.match(await readFile(path, "utf8"), /key-of-m1/);
  const second = await agentOf(t, cloud, { folder, token: undefined });
  await second.connected;
  assert.equal(second.machine, "m1");
});

test("an agent says what it is, pulls, runs, prints, reports", async (t) => {
  const cloud = await cloudOf(t);
  const agent = await agentOf(t, cloud, { capacity: { milliCpus: 4000 } });
  await cloud.until(() => said(cloud.links[0]?.heard ?? [], "pull").length > 0);
  const { hello } = cloud.linkOf(agent.machine);
  assert.deepEqual(hello!.holds, []);
  assert.equal(hello!.status.capacity.milliCpus, 4000);
  assert.deepEqual(hello!.status.drivers, ["runner", "process"]);
  cloud.offer(agent.machine, { "j1/0": shell("echo hi") }, [offerOf("j1/0/0")]);
  await cloud.until(() => cloud.reports.length === 1);
  const [report] = cloud.reports;
  assert.equal(report!.error, undefined);
  assert.equal(report!.task, "j1/0/0");
  assert.deepEqual(
    cloud.logs.map(({ task, stream, text }) => ({ task, stream, text })),
    [{ task: "j1/0/0", stream: "stdout", text: "hi" }],
  );
  const { heard } = cloud.linkOf(agent.machine);
  const order = heard.map(({ type }) => type);
  assert.ok(order.indexOf("logs") < order.indexOf("finish"), "prints come before the end");
  assert.ok(order.lastIndexOf("pull") > 0);
});

test("what a computer can do for instances is told though it is found out between hello and welcome", async (t) => {
  const cloud = await cloudOf(t);
  const [found, welcomed] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  cloud.welcomes = welcomed.promise;
  const opened = Promise.withResolvers<void>();
  const agent = await agentOf(t, cloud, {
    openHosting: async () => {
      await found.promise;
      setImmediate(opened.resolve);
      return new FakeComputer().means();
    },
  });
  await cloud.until(() => cloud.links[0]?.hello !== undefined);
  found.resolve();
  await opened.promise;
  await new Promise((resolve) => setTimeout(resolve, 50)); // what it keeps is read
  welcomed.resolve();
  await agent.connected;
  const { heard } = cloud.linkOf(agent.machine);
  await cloud.until(() => heard.some(({ type }) => type === "hosting"));
});

test("what was not acknowledged is said again on a new link, and held until then", async (t) => {
  const cloud = await cloudOf(t);
  const agent = await agentOf(t, cloud);
  await agent.connected;
  cloud.acknowledges = false;
  const [done, running] = [offerOf("j1/0/0"), offerOf("j1/1/0")];
  cloud.offer(agent.machine, { "j1/0": shell("true"), "j1/1": shell("sleep 60") }, [done, running]);
  await cloud.until(() => cloud.reports.length === 1);
  cloud.acknowledges = true;
  cloud.cut(agent.machine);
  await cloud.until(() => cloud.reports.length === 2);
  assert.deepEqual(cloud.reports[0], cloud.reports[1]);
  const finishes = cloud.links.flatMap(({ heard }) => said(heard, "finish")) as {
    number: number;
  }[];
  assert.equal(finishes[0]!.number, finishes[1]!.number);
  assert.deepEqual(
    cloud.linkOf(agent.machine).hello!.holds.toSorted(([a], [b]) => (a < b ? -1 : 1)),
    [
      ["j1/0/0", done.fence],
      ["j1/1/0", running.fence],
    ],
  );
  cloud.linkOf(agent.machine).send({ type: "cancel", tasks: [["j1/1/0", running.fence]] });
  cloud.cut(agent.machine);
  await cloud.until(() => cloud.links.length === 3 && cloud.links[2]!.hello !== undefined);
});

test("an agent runs on while its cloud is away", async (t) => {
  const cloud = await cloudOf(t);
  const agent = await agentOf(t, cloud);
  await agent.connected;
  const { port } = cloud;
  cloud.offer(agent.machine, { "j1/0": shell("sleep 0.2; echo done") }, [offerOf("j1/0/0")]);
  await cloud.close();
  await new Promise((resolve) => setTimeout(resolve, 300));
  const next = new FakeCloud();
  await next.listen(port);
  t.after(() => next.close());
  await next.until(() => next.reports.length === 1);
  assert.equal(next.reports[0]!.error, undefined);
  assert.equal(next.logs[0]!.text, "done");
});

test("a cancelled task ends without a report; one of an unknown step is given back", async (t) => {
  const cloud = await cloudOf(t);
  const agent = await agentOf(t, cloud);
  await agent.connected;
  const offer = offerOf("j1/0/0");
  cloud.offer(agent.machine, { "j1/0": shell("sleep 60") }, [offer, offerOf("j9/0/0")]);
  const link = cloud.linkOf(agent.machine);
  await cloud.until(() => said(link.heard, "release").length === 1);
  link.send({ type: "cancel", tasks: [[offer.task, offer.fence]] });
  cloud.offer(agent.machine, { "j1/1": shell("true") }, [offerOf("j1/1/0")]);
  await cloud.until(() => cloud.reports.length === 1);
  assert.equal(cloud.reports[0]!.task, "j1/1/0");
});

test("a driver that a machine has not fails the task", async (t) => {
  const cloud = await cloudOf(t);
  const agent = await agentOf(t, cloud, { drivers: [runnerDriver] });
  await agent.connected;
  cloud.offer(agent.machine, { "j1/0": shell("true") }, [offerOf("j1/0/0")]);
  await cloud.until(() => cloud.reports.length === 1);
  assert.equal(cloud.reports[0]!.error?.reason, "not-started");
});

test("a refused agent says so and stays away", async (t) => {
  const cloud = await cloudOf(t);
  cloud.refusal = "this machine was removed";
  const agent = await agentOf(t, cloud);
  assert.equal(await agent.refused, cloud.refusal);
  const unknown = await agentOf(t, cloud, { identity: { machine: "m7", key: "not a key" } });
  assert.match(await unknown.refused, /refused the key/);
  assert.equal(cloud.links.length, 1);
});

test("an agent ends what an earlier one in its folder left running", async (t) => {
  const cloud = await cloudOf(t);
  const folder = await folderOf(t);
  const earlier = await agentOf(t, cloud, { folder });
  await earlier.connected;
  cloud.offer(earlier.machine, { "j1/0": shell("setsid sleep 67.5; sleep 67.5") }, [
    offerOf("j1/0/0"),
  ]);
  await cloud.until(() => cloud.links.length === 1);
  while (nodeHost(silent).processes.marked("CANOPY_TASK", "j1/0/0").length === 0) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await agentOf(t, cloud, { folder });
  await cloud.until(() => cloud.reports.length === 1);
  assert.equal(cloud.reports[0]!.error?.reason, "signalled");
  assert.deepEqual(nodeHost(silent).processes.marked("CANOPY_TASK", "j1/0/0"), []);
});

test("stop() gives back what it holds, when nothing of it runs any more", async (t) => {
  const cloud = await cloudOf(t);
  const agent = await agentOf(t, cloud, { capacity: { milliCpus: 1000 } });
  await agent.connected;
  const offers = [offerOf("j1/0/0"), offerOf("j1/0/1")];
  cloud.offer(agent.machine, { "j1/0": shell("sleep 66.5") }, offers);
  cloud.offer(
    agent.machine,
    { "j1/1": shell("true", { needs: { milliCpus: 0, memoryBytes: 0, labels: {} } }) },
    [offerOf("j1/1/0")],
  );
  await cloud.until(() => cloud.reports.length === 1);
  await agent.stop();
  const { heard } = cloud.linkOf(agent.machine);
  await cloud.until(() => said(heard, "release").length === 2);
  const given = said(heard, "release").flatMap(
    (message) => (message as { tasks: unknown[] }).tasks,
  );
  assert.deepEqual(given, [
    ["j1/0/1", offers[1]!.fence],
    ["j1/0/0", offers[0]!.fence],
  ]);
  assert.equal(cloud.reports.length, 1);
});

const shuffling = `
  const definition = Symbol.for("canopy.definition");
  export const count = Object.assign(() => {}, { [definition]: {
    type: "map-reduce",
    map: (text, emit) => { for (const word of text.split(" ")) emit(word, 1); },
    reduce: (key, values) => values.length,
  }});`;

for (const way of ["directly", "by relay"] as const) {
  test(`a shuffle goes from agent to agent ${way}, and what is lost is named`, async (t) => {
    const cloud = await cloudOf(t);
    const module = cloud.blob(shuffling);
    const [one, two] = [await agentOf(t, cloud), await agentOf(t, cloud)];
    await Promise.all([one.connected, two.connected]);
    const run = (role: "map" | "reduce"): { run: FunctionRun } => ({
      run: { driver: "runner", module, function: "count", role },
    });
    const map = briefOf(run("map"), { shuffle: { role: "map", partitions: 1 } });
    const reduce = briefOf(run("reduce"), { shuffle: { role: "reduce", from: "j1/0" } });
    cloud.offer(one.machine, { "j1/0": map }, [offerOf("j1/0/0", { input: '"a b a"' })]);
    cloud.offer(two.machine, { "j1/0": map }, [offerOf("j1/0/1", { input: '"b c"' })]);
    await cloud.until(() => cloud.reports.length === 2);
    const peer = cloud.linkOf(one.machine).hello!.status.peerUrl!;
    const peerUrl = way === "directly" ? peer : peer.replace(/:\d+\//, ":1/");
    const sources = (segments: string[]) => [
      { machine: one.machine, peerUrl, segments },
      { machine: two.machine, segments: ["j1/0/1/0"] },
    ];
    cloud.offer(two.machine, { "j1/1": reduce }, [
      offerOf("j1/1/0", { segments: sources(["j1/0/0/0"]) }),
      offerOf("j1/1/1", { segments: sources(["j1/0/0/0", "j1/0/5/0"]) }),
    ]);
    await cloud.until(() => cloud.reports.length === 4);
    const ends = new Map(cloud.reports.map((report) => [report.task, report]));
    assert.equal(ends.get("j1/1/0")!.result, '[["a",2],["b",2],["c",1]]');
    assert.deepEqual(ends.get("j1/1/1")!.error!.lostTasks, ["j1/0/5"]);
    const relayed = said(cloud.linkOf(one.machine).heard, "segment").length;
    assert.equal(relayed > 0, way === "by relay");
    cloud.linkOf(one.machine).send({ type: "forget", jobs: ["j1"] });
    cloud.offer(two.machine, {}, [offerOf("j1/1/2", { segments: sources(["j1/0/0/0"]) })]);
    await cloud.until(() => cloud.reports.length === 5);
    assert.deepEqual(cloud.reports[4]!.error!.lostTasks, ["j1/0/0"]);
  });
}

test("files and large results go by blobs", async (t) => {
  const cloud = await cloudOf(t);
  const agent = await agentOf(t, cloud);
  await agent.connected;
  const brief = shell("tr a-z A-Z < in > out", {
    inputs: [{ path: "in", from: { blob: cloud.blob("text") } }],
    outputs: [{ path: "out", optional: false }],
  });
  const missing = shell("true", { inputs: [{ path: "in", from: { blob: "0".repeat(64) } }] });
  cloud.offer(agent.machine, { "j1/0": brief, "j1/1": missing }, [
    offerOf("j1/0/0"),
    offerOf("j1/1/0"),
  ]);
  await cloud.until(() => cloud.reports.length === 2);
  const ends = new Map(cloud.reports.map((report) => [report.task, report]));
  assert.equal(cloud.blobs.get(ends.get("j1/0/0")!.outputs!["out"]!)!.toString(), "TEXT");
  assert.equal(ends.get("j1/1/0")!.error!.reason, "input-missing");
});

test("an agent that can read what its computer draws says so, and which part of it was a task's", async (t) => {
  const cloud = await cloudOf(t);
  const powercap = await folderOf(t);
  const socket = join(powercap, "intel-rapl:0");
  await mkdir(socket);
  await writeFile(join(socket, "name"), "package-0\n");
  await writeFile(join(socket, "max_energy_range_uj"), "262143328850\n");
  let uj = 5_000_000;
  const draw = () => writeFileSync(join(socket, "energy_uj"), `${(uj += 1_000_000)}\n`);
  draw();
  const timer = setInterval(draw, 100);
  t.after(() => clearInterval(timer));
  const power = { powercap, procStat: "/proc/stat" };
  const agent = await agentOf(t, cloud, { power });
  await cloud.until(() => said(cloud.links[0]?.heard ?? [], "pull").length > 0);
  assert.equal(cloud.linkOf(agent.machine).hello!.status.measuresPower, true);
  const needs = { milliCpus: 500, memoryBytes: 0, labels: {} };
  cloud.offer(agent.machine, { "j1/0": shell("sleep 2", { needs }) }, [offerOf("j1/0/0")]);
  await cloud.until(() => cloud.reports.length === 1);
  const { usage } = cloud.reports[0]!;
  const drawn = (10 * usage.wallMs) / 1000;
  assert.ok(usage.joules! > 0 && usage.joules! < drawn, `${usage.joules} of ${drawn} J`);
});

test("an agent that cannot read it measures nothing", async (t) => {
  const cloud = await cloudOf(t);
  const power = { powercap: join(await folderOf(t), "none"), procStat: "/proc/stat" };
  const agent = await agentOf(t, cloud, { power });
  await cloud.until(() => said(cloud.links[0]?.heard ?? [], "pull").length > 0);
  assert.equal(cloud.linkOf(agent.machine).hello!.status.measuresPower, undefined);
  cloud.offer(agent.machine, { "j1/0": shell("true") }, [offerOf("j1/0/0")]);
  await cloud.until(() => cloud.reports.length === 1);
  assert.equal(cloud.reports[0]!.usage.joules, undefined);
});
