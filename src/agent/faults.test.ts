import assert from "node:assert/strict";
import { test } from "node:test";
import { briefOf } from "#/drivers/testing/rig.ts";
import type { FromAgent, TaskOffer } from "#/model/wire.ts";
import { pairOf } from "./testing/pair-of.ts";

const shell = (script: string) =>
  briefOf({ run: { driver: "process", command: ["sh", "-c", script], env: {}, stdin: false } });

const offerOf = (task: string, fence: number, input = "null"): TaskOffer => ({
  task,
  fence,
  input,
  attempt: 1,
});

const struckOf = (heard: FromAgent[]) => heard.filter(({ type }) => type === "struck");

test("a task that is hit ends by SIGKILL and is reported as injected, and the agent says that it was there", async (t) => {
  const { cloud, agent } = await pairOf(t);
  const script = "trap '' TERM; echo begun; while :; do sleep 0.1; done";
  cloud.offer(agent.machine, { "j1/0": shell(script) }, [offerOf("j1/0/0", 7)]);
  await cloud.until(() => cloud.logs.length > 0);
  const link = cloud.linkOf(agent.machine);
  link.send({ type: "fault", fault: { kind: "task", hit: "p/g1/0", task: ["j1/0/0", 7] } });
  await cloud.until(() => cloud.reports.length === 1);
  const { error } = cloud.reports[0]!;
  assert.equal(error?.reason, "injected");
  assert.equal(error?.hit, "p/g1/0");
  assert.deepEqual(struckOf(link.heard), [{ type: "struck", hit: "p/g1/0", wasThere: true }]);
});

test("a function that is hit is charged alone: what its process had been told besides goes on", async (t) => {
  const { cloud, agent } = await pairOf(t, { capacity: { milliCpus: 1000 } });
  const module = cloud.blob(
    "export const f = async (ms) => { console.log(ms); await new Promise((r) => setTimeout(r, ms)); return ms; };",
  );
  const brief = briefOf({ run: { driver: "runner", module, function: "f", role: "task" } });
  const offers = [offerOf("j1/0/0", 1, "[60000]"), offerOf("j1/0/1", 2, "[1]")];
  cloud.offer(agent.machine, { "j1/0": brief }, offers);
  await cloud.until(() => cloud.logs.length > 0);
  const fault = { kind: "task", hit: "p/g1/0", task: ["j1/0/0", 1] } as const;
  cloud.linkOf(agent.machine).send({ type: "fault", fault: { ...fault, task: ["j1/0/0", 1] } });
  await cloud.until(() => cloud.reports.length === 2);
  const byTask = new Map(cloud.reports.map((report) => [report.task, report]));
  assert.equal(byTask.get("j1/0/0")!.error?.hit, "p/g1/0");
  assert.equal(byTask.get("j1/0/1")!.result, "1");
});

test("a hit on a task that is not under way says so, and harms nobody", async (t) => {
  const { cloud, agent } = await pairOf(t);
  cloud.offer(agent.machine, { "j1/0": shell("true") }, [offerOf("j1/0/0", 7)]);
  await cloud.until(() => cloud.reports.length === 1);
  const link = cloud.linkOf(agent.machine);
  link.send({ type: "fault", fault: { kind: "task", hit: "p/g1/0", task: ["j1/0/0", 7] } });
  await cloud.until(() => struckOf(link.heard).length === 1);
  assert.deepEqual(struckOf(link.heard), [{ type: "struck", hit: "p/g1/0", wasThere: false }]);
  assert.equal(cloud.reports[0]!.error, undefined);
});

test("a machine that is hit has no link for that long, runs on, and comes back with what it holds", async (t) => {
  const { cloud, agent } = await pairOf(t);
  cloud.offer(agent.machine, { "j1/0": shell("echo begun; sleep 60") }, [offerOf("j1/0/0", 7)]);
  await cloud.until(() => cloud.logs.length > 0);
  const leftMs = performance.now();
  const link = cloud.linkOf(agent.machine);
  link.send({ type: "fault", fault: { kind: "machine", hit: "p/g1/0", awayMs: 500 } });
  await cloud.until(() => cloud.links.length === 2 && cloud.links[1]!.hello !== undefined);
  assert.ok(performance.now() - leftMs >= 500);
  assert.deepEqual(cloud.links[1]!.hello!.holds, [["j1/0/0", 7]]);
});

test("an agent says what may be hit where it is, and is killed only where something starts it again", async (t) => {
  let crashes = 0;
  const supervised = await pairOf(t, { crash: () => void crashes++ });
  const alone = await pairOf(t);
  for (const { cloud, agent } of [supervised, alone]) {
    const link = cloud.linkOf(agent.machine);
    link.send({ type: "fault", fault: { kind: "agent", hit: "p/g1/0" } });
    link.send({ type: "fault", fault: { kind: "task", hit: "p/g1/1", task: ["j1/0/0", 7] } });
    await cloud.until(() => struckOf(link.heard).length === 1);
  }
  assert.equal(crashes, 1);
  const faultsOf = ({ cloud, agent }: typeof alone) =>
    cloud.linkOf(agent.machine).hello!.status.faults;
  assert.deepEqual(faultsOf(supervised), ["task", "agent", "machine"]);
  assert.deepEqual(faultsOf(alone), ["task", "machine"]);
});
