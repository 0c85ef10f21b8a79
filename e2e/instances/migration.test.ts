import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { gzipSync } from "node:zlib";
import { tinyGuest } from "#/drivers/vm/testing/tiny-guest.ts";
import type { InstanceView } from "#/model/instance-views.ts";
import type { Page } from "#/model/views.ts";
import { TestCloud } from "../cloud.ts";
import { JoinedAgent } from "../joined-agent.ts";
import { until } from "../until.ts";
import { Wire } from "../wire.ts";
import { busyboxImage } from "./busybox-image.ts";

const cloud = new TestCloud();
const wire = new Wire();
const agents: JoinedAgent[] = [];

before(() => cloud.up("--no-agent", "--host", wire.address));
after(async () => {
  // What runs outlives its cloud, also where a test has failed.
  for (const { id } of await instances()) await cloud.call("DELETE", `/v1/instances/${id}`);
  await until("all have ended", async () =>
    (await instances()).every(({ state }) => state === "terminated"),
  );
  for (const agent of agents) await agent.stop();
  await cloud.stop();
  wire.remove();
});

const instances = async () => (await cloud.call<Page<InstanceView>>("GET", "/v1/instances")).items;
const instance = (id: string) => cloud.call<InstanceView>("GET", `/v1/instances/${id}`);

async function canopy(...words: string[]): Promise<string> {
  const { code, stdout, stderr } = await cloud.canopy(...words);
  assert.equal(code, 0, `${words.join(" ")}: ${stderr}`);
  return stdout;
}

async function machine(): Promise<string> {
  const folder = join(cloud.dataFolder, `machine-${agents.length}`);
  mkdirSync(folder);
  const agent = await JoinedAgent.start(cloud, { folder, startedBy: wire.machine() });
  agents.push(agent);
  await until("it has joined", () => agent.machine !== undefined);
  return agent.machine!;
}

const imported = async (...words: string[]) =>
  (JSON.parse(await canopy("images", "import", "--json=id", ...words)) as { id: string }).id;

/** Launches one there, as soon as it is known what that machine can do. */
async function run(image: string, type: string, ...more: string[]): Promise<string> {
  let id = "";
  await until("there is room", async () => {
    const asked = ["run", image, "--type", type, ...more, "--json=id"];
    const { code, stdout } = await cloud.canopy("instances", ...asked);
    if (code === 0) [{ id }] = JSON.parse(stdout) as [{ id: string }];
    return code === 0;
  });
  return id;
}

/** As soon as it is known what that machine can do. */
async function migrated(id: string, to: string): Promise<string> {
  let said = "";
  await until("there is room", async () => {
    const { code, stderr } = await cloud.canopy("instances", "migrate", id, "--to", to);
    said = stderr;
    return code === 0;
  });
  return said;
}

/** Empty while it does not run yet. */
const console = async (id: string) => (await cloud.canopy("instances", "console", id)).stdout;
const says = (id: string, words: RegExp) =>
  until(`${id} says ${words}`, async () => words.test(await console(id)));

/** A guest that takes the address that it is given, and sends back what it is sent at port 7. */
function echoGuest(): string[] {
  const folder = join(cloud.dataFolder, "guest");
  const { kernel, initrd } = tinyGuest()!;
  mkdirSync(folder);
  const script = (name: string, content: string) => {
    writeFileSync(join(folder, name), `#!/bin/busybox sh\n${content}`);
    chmodSync(join(folder, name), 0o755);
  };
  script(
    "echoing",
    `/bin/busybox mount -t devtmpfs dev /dev
(until [ -e /sys/class/net/eth0 ]; do /bin/busybox sleep 0.1; done
ifconfig eth0 up; udhcpc -q -i eth0 -s /leased; nc -ll -p 7 -e cat) & exec /init`,
  );
  script(
    "leased",
    `[ "$1" = bound ] && ifconfig $interface $ip netmask $subnet && echo "echoes at $ip"`,
  );
  const more = execFileSync("/bin/busybox", ["cpio", "-o", "-H", "newc"], {
    cwd: folder,
    input: "echoing\nleased\n",
    stdio: ["pipe", "pipe", "ignore"],
  });
  const files = {
    disk: join(cloud.dataFolder, "disk.raw"),
    initrd: join(cloud.dataFolder, "initrd.gz"),
  };
  writeFileSync(files.disk, Buffer.alloc(2 ** 20));
  // A kernel unpacks one after the other.
  writeFileSync(files.initrd, Buffer.concat([readFileSync(initrd), gzipSync(more)]));
  const boot = ["--boot-kernel", kernel, "--boot-initrd", files.initrd];
  return [files.disk, ...boot, "--command-line", "quiet rdinit=/echoing"];
}

test("a microVM moves between machines and who speaks with it notices only a pause", async (t) => {
  const one = await machine();
  const guest = await run(await imported(...echoGuest()), "u.micro");
  await says(guest, /echoes at/);
  const { privateIp } = await instance(guest);
  const asks = `(while true; do i=$((i+1)); echo $i; sleep 0.05; done) | nc ${privateIp} 7`;
  const client = await run(
    await imported(busyboxImage(cloud.dataFolder, asks)),
    "c.nano",
    "--machine",
    one,
  );
  const last = async () => Number((await console(client)).trim().split(/\s+/).at(-1));
  const hears = async () => {
    const before = await last();
    await until("it is answered", async () => (await last()) > before + 5);
  };
  await until("they speak", async () => (await last()) > 5);
  const two = await machine();

  const moved = await migrated(guest, two);
  assert.match(moved, new RegExp(`runs on ${two}; it stood still for \\d+ ms`));
  t.diagnostic(moved.trim());
  await hears();
  assert.match(await canopy("why", guest), /stood still for \d+ ms/);

  await canopy("machines", "evacuate", two);
  await until("it is back", async () => (await instance(guest)).machine === one);
  await hears();
  assert.equal((await instance(guest)).state, "running");
});
