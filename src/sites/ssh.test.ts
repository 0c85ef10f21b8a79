import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import { after, before, describe, it } from "node:test";
import { silent } from "#/base/log.ts";
import { nodeHost } from "#/base/node/host.ts";
import { siteConfig, type SshConfig } from "#/model/site-config.ts";
import { SshSite } from "./ssh.ts";
import { siteContract } from "./testing/contract.ts";
import { farHost, type FarHost } from "./testing/far-host.ts";
import { startJoining, type Joining } from "./testing/joining.ts";
import { thisProgram } from "./testing/program.ts";
import { releasesStubborn } from "./testing/stubborn.ts";
import { makeKey, startSshd, type ClientKey, type Sshd } from "./testing/sshd.ts";

interface Lab {
  cloud: Joining;
  key: ClientKey;
  hosts: Sshd[];
  open(more?: object, key?: ClientKey): SshSite;
  stop(): Promise<void>;
}

const bare = "/usr/bin:/bin";
const withNode = `${dirname(process.execPath)}:${bare}`;

/** A cloud and two hosts. */
async function startLab(
  path: string,
  addresses: (string | FarHost)[] = ["127.0.0.1", "127.0.0.2"],
): Promise<Lab> {
  const cloud = await startJoining();
  const key = makeKey(cloud.folder, "client-key");
  const hosts = await Promise.all(addresses.map((one) => startSshd(cloud.folder, one, key, path)));
  const program = thisProgram(cloud.folder);
  return {
    cloud,
    key,
    hosts,
    open(more = {}, { privateKey } = key) {
      const config = siteConfig.parse({
        type: "ssh",
        hosts: hosts.map(({ host }) => ({ ...host, microsPerHour: 50_000 })),
        knownHosts: hosts.map(({ knownHosts }) => knownHosts).join(""),
        ...more,
      }) as SshConfig;
      return new SshSite(config, {
        ...nodeHost(silent),
        name: "lab",
        cloudId: cloud.cloudId,
        folder: join(cloud.folder, "site"),
        secrets: { privateKey },
        env: program.env,
        program,
      });
    },
    async stop() {
      for (const host of hosts) host.stop();
      await cloud.stop();
    },
  };
}

siteContract("SshSite", async () => {
  const lab = await startLab(withNode);
  return {
    open: () => Promise.resolve(lab.open()),
    order: lab.cloud.order,
    async joined(order) {
      await lab.cloud.connected(order);
      return (await lab.cloud.machinesOf(order)).length;
    },
    stop: lab.stop,
  };
});

describe("SshSite of hosts in networks of their own, which reach nobody", () => {
  const far = [farHost(0), farHost(1)];
  let lab: Lab;
  before(async () => (lab = await startLab(bare, far)));
  after(async () => {
    await lab?.stop();
    for (const host of far) host.remove();
  });

  it("has machines join and work through the ssh connection alone", async () => {
    const [{ address, here, wrap }, other] = far as [FarHost, FarHost];
    const server = createServer((socket) => socket.end("hello"));
    await new Promise<void>((resolve) => server.listen(0, "0.0.0.0", resolve));
    const { port } = server.address() as AddressInfo;
    const dial = `require("net").connect(${port}, "${here}").on("data", () => process.exit(0)).on("error", () => process.exit(7))`;
    const [ip, ...args] = wrap([process.execPath, "-e", dial]);
    assert.equal(spawnSync(ip!, args, { timeout: 20_000 }).status, 7);
    server.close();

    const site = lab.open({ tunnel: true });
    for (const [name, host] of [
      ["o1", address],
      ["o2", other.address],
    ] as const)
      await site.acquire(await lab.cloud.order(name, host));
    const machines = [await lab.cloud.connected("o1"), await lab.cloud.connected("o2")];
    assert.equal(new Set(machines.map(({ name }) => name)).size, 2);
    const mark = join(lab.cloud.folder, "ran-there");
    await lab.cloud.run("o2", ["sh", "-c", `ip -o -4 addr show dev eth0 > '${mark}'`]);
    await until(() => existsSync(mark) && readFileSync(mark, "utf8").includes(other.address));
    for (const name of ["o1", "o2"]) await site.release(name);
    assert.deepEqual((await site.held()).machines, []);
    for (const { home } of lab.hosts) assert.deepEqual(readdirSync(home), []);
  });

  it("gives back a machine that could not reach the cloud, as it had no tunnel, and leaves nothing there", async () => {
    const site = lab.open();
    const [{ address }] = far as [FarHost, FarHost];
    await site.acquire(await lab.cloud.order("o3", address)).catch(() => {});
    await site.release("o3");
    assert.deepEqual((await site.held()).machines, []);
    assert.deepEqual(await lab.cloud.machinesOf("o3"), []);
    assert.deepEqual(readdirSync(lab.hosts[0]!.home), []);
  });
});

describe("SshSite", () => {
  let lab: Lab;
  before(async () => (lab = await startLab(bare)));
  after(() => lab?.stop());

  it("copies the agent and Node to a host that has neither, and leaves nothing there", async () => {
    const site = lab.open();
    const [{ home } = { home: "" }] = lab.hosts;
    await site.acquire(await lab.cloud.order("o1", "127.0.0.1"));
    const machine = await lab.cloud.connected("o1");
    const [offer] = await site.offers();
    assert.deepEqual(machine.capacity, offer!.capacity);
    assert.ok(existsSync(join(home, ".canopy", lab.cloud.cloudId)));
    await site.release("o1");
    assert.deepEqual(readdirSync(home), []);
  });

  it("ends the tasks too of an agent that has to be killed", async () => {
    await releasesStubborn(lab.open(), lab.cloud, "o-stubborn", "127.0.0.1");
  });

  it("starts an order again that a crash left half made", async () => {
    const site = lab.open();
    const [{ home } = { home: "" }] = lab.hosts;
    const half = join(home, ".canopy", lab.cloud.cloudId, "machines/lab/127.0.0.1/o2");
    mkdirSync(half, { recursive: true });
    const [found] = (await site.held()).machines;
    assert.equal(found?.order, "o2");
    await site.acquire(await lab.cloud.order("o2", "127.0.0.1"));
    await lab.cloud.connected("o2");
    await site.release("o2");
    assert.deepEqual((await site.held()).machines, []);
  });

  it("lets a host reach the cloud through its own connection", async () => {
    const site = lab.open({ tunnel: true });
    await site.acquire(await lab.cloud.order("o3", "127.0.0.2"));
    await lab.cloud.connected("o3");
    const host = nodeHost(silent);
    const tunnels = () =>
      host.processes.marked("CANOPY_TUNNEL_HOST", `${lab.cloud.cloudId}/lab/127.0.0.2`);
    const [first] = tunnels();
    assert.ok(first !== undefined);
    process.kill(first, "SIGKILL");
    const next = lab.open({ tunnel: true });
    while (tunnels().length === 0 || tunnels()[0] === first) await next.held();
    await next.release("o3");
    assert.deepEqual((await next.held()).machines, []);
    while (tunnels().length > 0);
  });

  it("lets a host sleep that has given back its last machine, and wakes it for the next one", async () => {
    const { folder } = lab.cloud;
    const asleep = join(folder, "asleep");
    const woken = join(folder, "woken");
    const [, host] = lab.hosts as [Sshd, Sshd];
    const power = { sleep: `touch '${asleep}'`, wake: `touch '${woken}'` };
    const hosts = [{ ...host.host, microsPerHour: 50_000, power }];
    const site = lab.open({ hosts });
    const [awake] = await site.offers();
    await site.acquire(await lab.cloud.order("o-first", "127.0.0.2"));
    await lab.cloud.connected("o-first");
    await site.release("never-ordered");
    await site.release("o-first");
    await until(() => existsSync(asleep));
    host.stop();
    // Another life of the control plane knows it too.
    const other = lab.open({ hosts });
    const [offer] = await other.offers();
    assert.deepEqual([offer!.capacity, offer!.countMax], [awake!.capacity, 1]);
    assert.ok(offer!.bootMs!.median > awake!.bootMs!.median);
    assert.deepEqual(await other.held(), { machines: [], unknown: [] });
    await other.release("never-ordered");
    assert.ok(!existsSync(woken));
    const acquired = other.acquire(await lab.cloud.order("o-next", "127.0.0.2"));
    await until(() => existsSync(woken));
    await host.start();
    await acquired;
    await lab.cloud.connected("o-next");
    const [up] = await other.offers();
    assert.equal(up!.bootMs!.median, awake!.bootMs!.median);
    await lab.open({ hosts: [{ ...host.host }] }).release("o-next");
  });

  it("says in ssh's own words why it cannot, and which hosts it could not ask", async () => {
    const stranger = lab.open({}, makeKey(lab.cloud.folder, "stranger"));
    await assert.rejects(stranger.offers(), { code: "forbidden", message: /Permission denied/ });
    const unknown = lab.open({ knownHosts: "" });
    await assert.rejects(unknown.offers(), { code: "forbidden", message: /Host key verif/ });
    const site = lab.open();
    lab.hosts[1]!.stop();
    assert.deepEqual(
      (await site.offers()).map(({ name }) => name),
      ["127.0.0.1"],
    );
    assert.deepEqual((await site.held()).unknown, ["127.0.0.2"]);
    const order = await lab.cloud.order("o4", "127.0.0.2");
    await assert.rejects(site.acquire(order), { code: "unavailable", message: /refused/ });
    await assert.rejects(site.release("never-ordered"), { code: "unavailable" });
  });
});

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 50));
}
