import assert from "node:assert/strict";
import { existsSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { ManualClock } from "#/base/manual-clock.ts";
import { nodeHost } from "#/base/node/host.ts";
import { silent } from "#/base/log.ts";
import { instanceOrder } from "#/drivers/testing/instance-order.ts";
import type { HostReports, InstanceOrder } from "#/model/hosting.ts";
import { FakeComputer } from "../testing/fake-hosting.ts";
import { InstanceKeeper } from "./keeper.ts";
import { KeptMemory } from "./kept-memory.ts";

const order = instanceOrder({ kind: "vm" });
const hibernating = { ...order, wanted: "stopped" as const, hibernates: true };

/** A computer with one instance that runs, and agents that come and go on it. */
async function world(t: TestContext) {
  const folder = await mkdtemp(join(tmpdir(), "canopy-hibernation-"));
  t.after(() => rm(folder, { recursive: true, maxRetries: 3 }));
  const computer = new FakeComputer();
  computer.keepMemory = async (path) => writeFileSync(path, "memory");
  const said: HostReports[] = [];
  const host = { ...nodeHost(silent), clock: new ManualClock() };
  const blobs = { fetch: () => assert.fail(), store: () => assert.fail() };
  const parts = { ...host, folder, address: "10.0.0.1", mark: "m", blobs };
  const agent = async () => {
    said.length = 0;
    const keeper = new InstanceKeeper(parts, computer.means(), (reports) => said.push(reports));
    t.after(() => keeper.close());
    await keeper.open();
    return keeper;
  };
  const is = async (state: string) => {
    for (let turn = 0; turn < 1000; turn++) {
      const last = said.flatMap(({ instances }) => instances).at(-1);
      if (last?.state === state) return last;
      await new Promise((resolve) => void setTimeout(resolve, 4));
    }
    return assert.fail(`${state}: ${JSON.stringify(said.at(-1))}`);
  };
  const ordered = (keeper: InstanceKeeper, one: InstanceOrder) => {
    said.length = 0;
    const none = { isAll: false, volumes: [], snapshots: [], vpcs: [], gone: [] };
    return keeper.orders({ ...none, instances: [one] });
  };
  const memory = new KeptMemory(host.files, join(folder, "instances", "i-1"));
  const first = await agent();
  await ordered(first, order);
  await is("running");
  return { computer, agent, is, ordered, memory, first };
}

test("an instance that hibernates goes on with its memory, also when its agent has ended meanwhile, and once only", async (t) => {
  const { computer, agent, is, ordered, memory, first } = await world(t);
  await ordered(first, hibernating);
  assert.equal((await is("stopped")).keepsMemory, true);
  await first.close();
  const second = await agent();
  await ordered(second, { ...order, fence: 2 });
  await is("running");
  assert.equal(computer.resumed, 1);
  assert.equal(await memory.isThere(), false);
  await ordered(second, { ...order, fence: 2, wanted: "stopped" });
  await is("stopped");
  await ordered(second, { ...order, fence: 3 });
  await is("running");
  assert.equal(computer.resumed, 1);
});

test("memory that was kept counts for nothing once its guest was found to run, as an agent was killed before it ended that", async (t) => {
  const { computer, agent, is, ordered, memory, first } = await world(t);
  let isKept = false;
  const dead = Promise.withResolvers<void>();
  computer.keepMemory = async (path) => {
    writeFileSync(path, "memory");
    isKept = true;
    await dead.promise; // it is killed here
  };
  await ordered(first, hibernating);
  for (let turn = 0; !isKept && turn < 1000; turn++)
    await new Promise((resolve) => void setTimeout(resolve, 4));
  computer.keepMemory = async () => {}; // and the disk is full now
  const second = await agent();
  assert.equal(existsSync(memory.path), false);
  await ordered(second, hibernating);
  assert.equal((await is("stopped")).keepsMemory, false);
  await ordered(second, { ...order, fence: 2 });
  await is("running");
  assert.equal(computer.resumed, 0);
  dead.resolve();
});

test("memory that cannot be given back is not tried again: the instance begins anew", async (t) => {
  const { computer, is, ordered, memory, first } = await world(t);
  await ordered(first, hibernating);
  await is("stopped");
  computer.failures.push(new Error("its memory is damaged"));
  await ordered(first, { ...order, fence: 2 });
  for (let turn = 0; computer.failures.length > 0 && turn < 1000; turn++)
    await new Promise((resolve) => void setTimeout(resolve, 4));
  await is("preparing");
  // It was said to be so before, too.
  for (let turn = 0; (await memory.isThere()) && turn < 1000; turn++)
    await new Promise((resolve) => void setTimeout(resolve, 4));
  assert.equal(await memory.isThere(), false);
  assert.equal(computer.resumed, 0);
});
