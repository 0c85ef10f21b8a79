import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { limits } from "#/base/limits.ts";
import { silent } from "#/base/log.ts";
import { ManualClock } from "#/base/manual-clock.ts";
import { nodeHost } from "#/base/node/host.ts";
import { HostingError } from "#/drivers/instances/hosting-error.ts";
import { instanceOrder as order } from "#/drivers/testing/instance-order.ts";
import type { HostOrders, HostReports, InstanceReport } from "#/model/hosting.ts";
import { FakeComputer } from "../testing/fake-hosting.ts";
import { InstanceKeeper } from "./keeper.ts";

const orders = (more: Partial<HostOrders> = {}): HostOrders => ({
  isAll: false,
  instances: [],
  volumes: [],
  snapshots: [],
  vpcs: [],
  gone: [],
  ...more,
});

const volume = (name: string) => ({
  volume: name,
  project: "p",
  sizeBytes: 1,
  iops: 1,
  bytesPerSecond: 1,
});

/** A computer, and agents that come and go on it. */
async function world(t: TestContext) {
  const folder = await mkdtemp(join(tmpdir(), "canopy-keeper-"));
  t.after(() => rm(folder, { recursive: true, maxRetries: 3 }));
  const computer = new FakeComputer();
  const clock = new ManualClock();
  const said: HostReports[] = [];
  const parts = { ...nodeHost(silent), clock, folder, address: "10.0.0.1", mark: "m" };
  const blobs = { fetch: () => assert.fail(), store: () => assert.fail() };
  const agent = async () => {
    const keeper = new InstanceKeeper({ ...parts, blobs }, computer.means(), (reports) =>
      said.push(reports),
    );
    await keeper.open();
    keeper.heard(clock.monotonicMs());
    return keeper;
  };
  const seen = (name = "i-1") =>
    said.flatMap(({ instances }) => instances).findLast(({ instance }) => instance === name);
  /** What is done on disk takes real time. */
  const until = async (isSo: () => boolean, what: string) => {
    for (let turn = 0; turn < 500; turn++) {
      if (isSo()) return;
      await new Promise((resolve) => void setTimeout(resolve, 4));
    }
    assert.fail(`${what}: ${JSON.stringify(seen())}`);
  };
  const is = (state: InstanceReport["state"], name?: string) =>
    until(() => seen(name)?.state === state, state);
  return { computer, clock, folder, said, agent, seen, until, is };
}

test("one that crashes now and then is started again for as long as it is wanted", async (t) => {
  const { computer, clock, agent, is, until } = await world(t);
  const keeper = await agent();
  t.after(() => keeper.close());
  await keeper.orders(orders({ instances: [order()] }));
  for (let crash = 1; crash <= limits.instanceStartsMax + 1; crash++) {
    await is("running");
    await clock.advance(limits.instanceSoundMs + 1000);
    computer.running.get("i-1")!.end({ by: "crash" });
    await until(() => computer.running.size === 0, "crashed");
    await clock.advance(limits.instanceRetryMsMax);
    await until(() => computer.starts === crash + 1, "started again");
  }
});

test("an instance is started, stopped where it is, started again, and leaves nothing", async (t) => {
  const { computer, agent, is, seen } = await world(t);
  const keeper = await agent();
  t.after(() => keeper.close());
  await keeper.orders(orders({ instances: [order()] }));
  await is("running");
  assert.deepEqual([seen()!.publicIp, seen()!.ports], ["10.0.0.1", { 22: 2222 }]);
  await keeper.orders(orders({ instances: [order({ wanted: "stopped" })] }));
  await is("stopped");
  assert.deepEqual([computer.running.size, computer.networks.size], [0, 0]);
  await keeper.orders(orders({ instances: [order({ fence: 2 })] }));
  await is("running");
  assert.equal(seen()!.fence, 2);
  await keeper.orders(orders({ gone: ["i-1"] }));
  await is("gone");
  assert.deepEqual([computer.running.size, computer.networks.size], [0, 0]);
});

test("what runs goes on when the agent ends, and is found again; nothing runs twice", async (t) => {
  const { computer, agent, is, said, until } = await world(t);
  const first = await agent();
  await first.orders(orders({ instances: [order()] }));
  await is("running");
  await first.close();
  const second = await agent();
  t.after(() => second.close());
  said.length = 0;
  second.sayAll();
  assert.equal(said[0]!.instances[0]!.state, "running");
  // What it uses is told as it is now, not as it was when something happened last.
  computer.running.get("i-1")!.cpuMs = 250;
  second.sayAll();
  assert.equal(said[1]!.instances[0]!.use!.cpuMs, 250);
  said.length = 1;
  await second.orders(orders({ isAll: true, instances: [order()] }));
  await until(() => said.length >= 2, "said again");
  assert.equal(computer.starts, 1);
  assert.equal(computer.running.get("i-1")!.isStopped, false);
});

test("a disk that cannot be given or taken is in no other's way, and the next agent goes on with it", async (t) => {
  const { computer, agent, is, seen, until } = await world(t);
  const all = ["vol-1", "vol-2", "vol-3"];
  const having = (...volumes: string[]) =>
    orders({
      isAll: true,
      volumes: all.map(volume),
      instances: [
        order({
          disks: volumes.map((one, at) => ({ volume: one, device: `/dev/sd${"abc"[at]}` })),
        }),
      ],
    });
  const first = await agent();
  await first.orders(having("vol-1"));
  await is("running");
  const running = computer.running.get("i-1")!;
  running.unready.add("vol-2");
  await first.orders(having(...all));
  await until(() => seen()!.unready !== undefined, "unready");
  assert.deepEqual(seen()!.attached, ["vol-1", "vol-3"]);
  assert.deepEqual(seen()!.unready, { "vol-2": "vol-2 cannot be attached" });
  await first.close();
  running.unready.clear();
  const second = await agent();
  assert.equal(seen()!.attached, undefined, "what the agent before has begun is not done");
  await second.orders(having(...all));
  await until(() => seen()!.attached?.length === 3, "given by the next agent");
  running.unready.add("vol-3");
  await second.orders(having("vol-1", "vol-2"));
  await until(() => seen()!.unready?.["vol-3"] === "vol-3 cannot be detached", "busy");
  await second.close();
  running.unready.clear();
  const third = await agent();
  t.after(() => third.close());
  await third.orders(having("vol-1", "vol-2"));
  await until(() => seen()!.attached?.length === 2, "taken by the next agent");
  assert.deepEqual(running.disks.toSorted(), ["vol-1", "vol-2"]);
});

test("one that crashes is started again, one that ends by itself is not until its fence is another", async (t) => {
  const { computer, clock, agent, is, seen, until } = await world(t);
  const keeper = await agent();
  t.after(() => keeper.close());
  await keeper.orders(orders({ instances: [order()] }));
  await is("running");
  const at = clock.now();
  computer.running.get("i-1")!.end({ by: "crash", message: "SIGKILL" });
  await until(() => computer.running.size === 0, "crashed");
  await clock.advance(limits.instanceRetryMsMax);
  await until(() => computer.starts === 2, "started again");
  await until(() => seen()!.crashed !== undefined, "told");
  assert.deepEqual(seen()!.crashed, { at, message: "SIGKILL" });
  computer.running.get("i-1")!.end({ by: "itself", exitCode: 3 });
  await is("stopped");
  await keeper.orders(orders({ isAll: true, instances: [order()] }));
  await clock.advance(limits.instanceRetryMsMax);
  assert.equal(computer.starts, 2);
  await keeper.orders(orders({ instances: [order({ fence: 2 })] }));
  await is("running");
  assert.equal(seen()!.crashed, undefined, "it has not, under this fence");
});

test("what can never start fails at once, what may is tried some times, and both say why", async (t) => {
  const { computer, clock, agent, is, seen, until } = await world(t);
  const keeper = await agent();
  t.after(() => keeper.close());
  computer.failures.push(new HostingError("Client.InvalidImage", "its layers are damaged"));
  await keeper.orders(orders({ instances: [order()] }));
  await is("failed");
  assert.equal(seen()!.reason!.code, "Client.InvalidImage");
  for (let time = 0; time < limits.instanceStartsMax; time++)
    computer.failures.push(new Error("no memory"));
  await keeper.orders(orders({ instances: [order({ instance: "i-2" })] }));
  const tried = () => {
    void clock.advance(limits.instanceRetryMsMax);
    return computer.starts === 1 + limits.instanceStartsMax;
  };
  await until(tried, "tried some times");
  await is("failed", "i-2");
  assert.equal(seen("i-2")!.reason!.code, "Server.InternalError");
});

test("one that may be started elsewhere ends when the cloud is silent for its lease, others go on", async (t) => {
  const { computer, clock, agent, is, until } = await world(t);
  const keeper = await agent();
  t.after(() => keeper.close());
  const leased = order({ instance: "i-2", leaseMs: 10_000 });
  await keeper.orders(orders({ instances: [order(), leased] }));
  await is("running");
  await is("running", "i-2");
  for (let time = 0; time < 10; time++) {
    await clock.advance(3000);
    keeper.heard(clock.monotonicMs());
  }
  assert.equal(computer.running.size, 2);
  await clock.advance(11_000 + limits.hostLookMs);
  await until(() => !computer.running.has("i-2"), "forsaken");
  assert.ok(computer.running.has("i-1"));
});

test("volumes come and go while it runs, and a snapshot is of what it holds", async (t) => {
  const { computer, agent, is, said, until } = await world(t);
  const keeper = await agent();
  t.after(() => keeper.close());
  const disk = { volume: "vol-1", device: "/dev/sdf" };
  await keeper.orders(orders({ instances: [order()], volumes: [volume("vol-1")] }));
  await is("running");
  assert.equal(computer.volumes.size, 0);
  await keeper.orders(orders({ instances: [order({ disks: [disk] })] }));
  const attached = () =>
    said
      .flatMap(({ instances }) => instances)
      .at(-1)
      ?.attached?.includes("vol-1");
  await until(() => attached() === true, "attached");
  const snapshot = { snapshot: "snap-1", project: "p", volume: "vol-1", isConsistent: true };
  await keeper.orders(orders({ snapshots: [snapshot] }));
  const taken = () => said.flatMap(({ snapshots }) => snapshots).at(-1);
  await until(() => taken()?.state === "done", "taken");
  assert.equal(taken()!.manifest, "manifest of frozen vol-1");
  await keeper.orders(orders({ instances: [order()] }));
  await until(() => attached() === false, "detached");
  await keeper.orders(orders({ gone: ["vol-1"] }));
  await until(() => said.some(({ volumes }) => volumes.at(-1)?.state === "gone"), "removed");
  assert.equal(computer.volumes.size, 0);
});

test("what the cloud does not name among all leaves, and what it names as gone and is not here is said to be", async (t) => {
  const { agent, is, said, until, computer } = await world(t);
  const keeper = await agent();
  t.after(() => keeper.close());
  await keeper.orders(orders({ instances: [order()] }));
  await is("running");
  await keeper.orders(orders({ isAll: true, gone: ["i-9"] }));
  await is("gone");
  await until(() => said.some(({ gone }) => gone.includes("i-9")), "i-9 is not here");
  assert.equal(computer.running.size, 0);
});

test("what cannot be found again keeps no other instance from being found, and is found when it can be", async (t) => {
  const { computer, clock, agent, folder, is, said, seen, until } = await world(t);
  const first = await agent();
  const all = ["i-1", "i-lost", "i-unread"].map((instance) => order({ instance }));
  await first.orders(orders({ instances: all, volumes: [volume("vol-1")] }));
  for (const { instance } of all) await is("running", instance);
  await first.close();
  await writeFile(join(folder, "volumes.json"), "[{");
  await writeFile(join(folder, "instances", "i-unread", "order.json"), '{"wish":{}}');
  computer.isHidden = true;
  computer.hasNoNetworks = true;
  said.length = 0;
  const second = await agent();
  t.after(() => second.close());
  second.sayAll();
  computer.isHidden = false;
  await second.orders(orders({ isAll: true, instances: all, volumes: [volume("vol-1")] }));
  for (const { instance } of all) await is("running", instance);
  assert.equal(computer.starts, all.length, "none was started again");
  computer.hasNoNetworks = false;
  await clock.advance(limits.instanceRetryMsMax);
  await until(() => seen("i-lost")?.publicIp === "10.0.0.1", "its network is back");
  await second.orders(orders({ isAll: true }));
  for (const { instance } of all) await is("gone", instance);
  assert.equal(computer.running.size, 0);
});

test("nothing begins before it is written down, and what was only made ready leaves nothing", async (t) => {
  const { computer, folder, agent, is } = await world(t);
  const half = join(folder, "instances/i-2");
  await mkdir(half, { recursive: true });
  computer.networks.add("i-2");
  const powerless = join(folder, "instances/i-3");
  await mkdir(powerless);
  await writeFile(join(powerless, "order.json"), "");
  const keeper = await agent();
  t.after(() => keeper.close());
  assert.deepEqual([...computer.networks, ...(await readdir(join(half, "..")))], []);
  let isWritten = false;
  computer.onStart = (name) =>
    void (isWritten = existsSync(join(folder, "instances", name, "order.json")));
  await keeper.orders(orders({ instances: [order()] }));
  await is("running");
  assert.ok(isWritten);
});
