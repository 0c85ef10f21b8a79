import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { OrderView, PlanView } from "#/model/plan-views.ts";
import type { SiteView } from "#/model/site-views.ts";
import type { MachineView, Page } from "#/model/views.ts";
import { nodeProcesses } from "#/base/node/processes.ts";
import { Ec2Server } from "#/sites/testing/ec2-server.ts";
import { makeKey, startSshd } from "#/sites/testing/sshd.ts";
import type { TestCloud } from "./cloud.ts";
import { newCloud } from "./clouds.ts";
import { childrenOf } from "./processes.ts";
import { until } from "./until.ts";

const stops: (() => void)[] = [];
after(() => stops.forEach((stop) => stop()));

const hasEnded = ({ phase }: OrderView) => phase === "released" || phase === "failed";

async function openOrders(cloud: TestCloud): Promise<OrderView[]> {
  const { items } = await cloud.call<Page<OrderView>>("GET", "/v1/orders");
  return items.filter((order) => !hasEnded(order));
}

/** A job for which one machine of the site is bought; it ends when it is cancelled. */
async function buyOne(cloud: TestCloud, site: string): Promise<{ job: string; order: string }> {
  await until("the site gives one", async () =>
    (await cloud.call<SiteView>("GET", `/v1/sites/${site}`)).offers.some(
      ({ countMax }) => countMax > 0,
    ),
  );
  const inputs = Array.from({ length: 60 }, () => null);
  const run = { driver: "process", command: ["sleep", "30"] };
  const steps = [
    { name: "wait", run, source: { type: "inputs", inputs }, needs: { sites: [site] } },
  ];
  const plan = await cloud.call<PlanView>("POST", "/v1/plans", {
    request: { title: "wait", steps },
    told: { taskMs: 30_000 },
    goal: { deadlineMs: 2 * 60 * 60_000 },
  });
  const bought = plan.considered.filter(({ isPresent, count }) => !isPresent && count > 0);
  assert.deepEqual(
    bought.map((one) => [one.site, one.count]),
    [[site, 1]],
  );
  const { id } = await cloud.call<{ id: string }>("POST", `/v1/plans/${plan.id}/approve`);
  const order = (await openOrders(cloud)).find(({ job }) => job === id)!;
  return { job: id, order: order.id };
}

const cancel = (cloud: TestCloud, job: string) => cloud.call("POST", `/v1/jobs/${job}/cancel`, {});

async function untilJoined(cloud: TestCloud, order: string): Promise<void> {
  await until(`the machine of ${order} has joined`, async () =>
    (await openOrders(cloud)).some(({ id, phase }) => id === order && phase === "joined"),
  );
}

/** The orders that machines of the site, as the cloud sees them, were made for. */
async function machinesOf(cloud: TestCloud, site: string): Promise<MachineView[]> {
  const { items } = await cloud.call<Page<MachineView>>("GET", "/v1/machines");
  return items.filter((machine) => machine.site === site);
}

test("kill -9 inside calls to a provider that speaks EC2 leaves exactly the machines that were ordered", async () => {
  const cloud = newCloud();
  await cloud.up();
  const provider = new Ec2Server(join(cloud.dataFolder, "instances"));
  await provider.start();
  stops.push(() => provider.stop());
  await cloud.call("PUT", "/v1/sites/eu", {
    config: {
      type: "ec2",
      region: "eu-1",
      endpoint: provider.url,
      accessKeyId: provider.accessKeyId,
      imageId: "ami-1",
      types: [{ name: "m7i.large", microsPerHour: 100_800 }],
    },
    secrets: { secretAccessKey: provider.secretAccessKey },
  });
  const live = () => provider.instances.filter(({ state }) => state === "running");
  const running = () =>
    provider.instances.filter(({ id }) => nodeProcesses.marked("EC2_INSTANCE", id).length > 0);
  /**
   * Kills the control plane once, at that moment of the next such call, as soon as `whenAnswered` was called: what the
   * test itself asked for must not be cut off. `isDead` resolves when it is dead.
   */
  const killAt = (action: string, moment: "asked" | "done") => {
    const answered = Promise.withResolvers<void>();
    const dead = Promise.withResolvers<void>();
    provider.hook = async (called, at) => {
      if (called !== action || at !== moment) return;
      provider.hook = undefined;
      await answered.promise;
      await cloud.kill();
      dead.resolve();
    };
    return { whenAnswered: answered.resolve, isDead: dead.promise };
  };
  const acquired = [
    ["asked, and made though nobody waits for the answer", "asked", undefined],
    ["made, and not answered", "done", undefined],
    ["made by half, without its tags", "done", "untagged"],
  ] as const;
  const released = ["asked", "done", undefined] as const;
  for (const [number, [what, moment, made]] of acquired.entries()) {
    const kill = killAt("RunInstances", moment);
    if (made)
      provider.injected.push({ action: "RunInstances", code: "InternalError", message: "", made });
    const { job, order } = await buyOne(cloud, "eu");
    kill.whenAnswered();
    await kill.isDead;
    await cloud.up();
    await untilJoined(cloud, order);
    assert.equal(live().length, 1, `${what}: ${live().length} instances`);
    assert.equal((await machinesOf(cloud, "eu")).length, 1, what);
    const end = released[number];
    const last = end && killAt("TerminateInstances", end);
    // A request that is lost with who sent it is not carried out.
    provider.isDropped = end === "asked";
    await cancel(cloud, job);
    if (last) {
      last.whenAnswered();
      await last.isDead;
      await cloud.up();
    }
    await until("all is given back", async () => (await openOrders(cloud)).length === 0);
    assert.deepEqual(live(), [], what);
    await until("no instance runs", () => running().length === 0);
    assert.deepEqual(await machinesOf(cloud, "eu"), []);
  }
  // Called off while the control plane is dead, between the call and its answer.
  const kill = killAt("RunInstances", "done");
  const { job } = await buyOne(cloud, "eu");
  kill.whenAnswered();
  await kill.isDead;
  await cloud.up();
  await cancel(cloud, job);
  await until("all is given back", async () => (await openOrders(cloud)).length === 0);
  await until("nothing is left of it", () => live().length === 0 && running().length === 0);
});

test("kill -9 inside ssh leaves exactly the machines that were ordered", async () => {
  const cloud = newCloud();
  await cloud.up();
  const key = makeKey(cloud.dataFolder, "client-key");
  const path = `${dirname(process.execPath)}:/usr/bin:/bin`;
  const host = await startSshd(cloud.dataFolder, "127.0.0.1", key, path);
  stops.push(() => host.stop());
  mkdirSync(join(cloud.dataFolder, "config"), { recursive: true });
  await cloud.call("PUT", "/v1/sites/lab", {
    config: {
      type: "ssh",
      hosts: [{ ...host.host, microsPerHour: 50_000 }],
      knownHosts: host.knownHosts,
    },
    secrets: { privateKey: key.privateKey },
  });
  const hostFolder = () => {
    const clouds = readdirOf(join(host.home, ".canopy"));
    return clouds[0] && join(host.home, ".canopy", clouds[0], "machines/lab/127.0.0.1");
  };
  const held = () => readdirOf(hostFolder() ?? "/nowhere");
  const agents = (order: string) =>
    nodeProcesses
      .marked("CANOPY_FOLDER", join(hostFolder() ?? "/nowhere", order))
      .filter((pid) => childrenOf(pid).length >= 0);
  const moments: [string, (order: string) => boolean][] = [
    ["its folder is there", (order) => held().includes(order)],
    [
      "its agent is launched",
      (order) => existsSync(join(hostFolder() ?? "/nowhere", order, "launched")),
    ],
  ];
  for (const [what, isSo] of moments) {
    const { job, order } = await buyOne(cloud, "lab");
    await until(what, () => isSo(order));
    await cloud.kill();
    await cloud.up();
    await untilJoined(cloud, order);
    assert.deepEqual(held(), [order], what);
    assert.equal(agents(order).length, 1, what);
    assert.equal((await machinesOf(cloud, "lab")).length, 1, what);
    await cancel(cloud, job);
    await until("it is given back", async () =>
      (await openOrders(cloud)).every(({ phase }) => phase === "releasing"),
    );
    await sleep(100);
    await cloud.kill();
    await cloud.up();
    await until("all is given back", async () => (await openOrders(cloud)).length === 0);
    assert.deepEqual(readdirSync(host.home), [], what);
    assert.deepEqual(agents(order), [], what);
  }
});

function readdirOf(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
