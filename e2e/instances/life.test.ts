import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { tinyGuest } from "#/drivers/vm/testing/tiny-guest.ts";
import { connect } from "#/sdk/client.ts";
import type { MachineView } from "#/model/views.ts";
import { InstanceCalls } from "#/sdk/instances.ts";
import { TestCloud } from "../cloud.ts";
import { debianTools, type DebianTools } from "../debian-aws.ts";
import { until } from "../until.ts";
import { Told } from "./told.ts";

const cloud = new TestCloud();
let folder: string;
let tools: DebianTools;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "canopy-life-"));
  await cloud.up();
  tools = await debianTools(cloud, folder);
});
after(async () => {
  // What runs outlives its cloud, also where a test has failed.
  const left = await ec2("describe-instances --query Reservations[].Instances[].InstanceId");
  if (left !== "") await ec2(`terminate-instances --instance-ids ${left.replaceAll(/\s+/g, " ")}`);
  for (const id of left.split(/\s+/).filter(Boolean)) await is(id, "terminated");
  await cloud.stop();
  rmSync(folder, { recursive: true, force: true });
});

const ec2: DebianTools["ec2"] = (...words) => tools.ec2(...words);

async function imported(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await cloud.canopy("images", "import", "--json=id", ...args);
  assert.equal(code, 0, stderr);
  return (JSON.parse(stdout) as { id: string }).id;
}

/** What `docker save` writes of an image that holds busybox alone, and says hello. */
function archive(): string {
  const root = join(folder, "root");
  mkdirSync(join(root, "bin"), { recursive: true });
  for (const name of ["sh", "sleep"]) copyFileSync("/bin/busybox", join(root, "bin", name));
  const made = join(folder, "archive");
  mkdirSync(made);
  execFileSync("tar", ["-C", root, "-cf", join(made, "layer.tar"), "."]);
  const digest = createHash("sha256")
    .update(readFileSync(join(made, "layer.tar")))
    .digest("hex");
  const config = {
    architecture: "amd64",
    os: "linux",
    config: { Cmd: ["/bin/sh", "-c", "echo hello from inside; exec sleep 100000"] },
    rootfs: { type: "layers", diff_ids: [`sha256:${digest}`] },
  };
  writeFileSync(join(made, "config.json"), JSON.stringify(config));
  const manifest = [{ Config: "config.json", RepoTags: ["hello:1"], Layers: ["layer.tar"] }];
  writeFileSync(join(made, "manifest.json"), JSON.stringify(manifest));
  const path = join(folder, "hello.tar");
  execFileSync("tar", ["-C", made, "-cf", path, "."]);
  return path;
}

/** A kernel that runs in memory, beside a disk that it does not need. */
function guest(): string[] {
  const { kernel, initrd } = tinyGuest()!;
  const disk = join(folder, "disk.raw");
  writeFileSync(disk, Buffer.alloc(2 ** 20));
  return [disk, "--boot-kernel", kernel, "--boot-initrd", initrd];
}

const stateOf = (id: string) =>
  ec2(`describe-instances --instance-ids ${id} --query Reservations[].Instances[].State.Name`);
const is = (id: string, state: string) =>
  until(`${id} is ${state}`, async () => (await stateOf(id)) === state);
/** What this computer can do is found out beside all else. */
const hosts = () =>
  until("this computer hosts instances", async () => {
    const { items } = await cloud.call<{ items: MachineView[] }>("GET", "/v1/machines");
    return items.some(({ connected, hosting }) => connected && hosting?.kinds.includes("microvm"));
  });
/** Its machine is asked, which may have to join again before. */
const says = (id: string, words: string) =>
  until(`${id} says ${words}`, async () => {
    const asked = ec2(`get-console-output --instance-id ${id} --query Output`);
    const said = await asked.catch((thrown: unknown) => {
      if (String(thrown).includes("(Unavailable)")) return "";
      throw thrown;
    });
    return said.includes(words);
  });

async function killAll(): Promise<void> {
  await cloud.kill();
  const pidFile = join(cloud.dataFolder, "agent", "pid");
  process.kill(Number(readFileSync(pidFile, "utf8").split(" ")[0]), "SIGKILL");
  await cloud.up();
}

/** Types a line at the serial console, and waits for what is answered. */
async function typed(id: string, line: string, answer: string): Promise<void> {
  const { http } = await connect({ url: cloud.url, key: cloud.key });
  const terminal = await new InstanceCalls(http).terminal(id);
  await terminal.type(Buffer.from(`${line}\n`));
  let said = "";
  for await (const piece of terminal.output) {
    said += Buffer.from(piece).toString();
    if (said.slice(said.indexOf(line) + line.length).includes(answer)) break;
  }
  terminal.close();
}

test("a container and a virtual machine run, outlive kill -9 of cloud and agent, stop or hibernate, start, leave nothing, and all of it is told", async (t) => {
  const told = new Told();
  t.after(() => told.close());
  await told.subscribe(cloud);
  const images = [
    { id: await imported(archive()), asks: "c.nano", words: "hello from inside" },
    {
      id: await imported(...guest()),
      asks: "u.micro --hibernation-options Configured=true",
      words: "ready for commands",
    },
  ];
  const run = async (image: string, asks: string) => {
    const asked = `run-instances --image-id ${image} --instance-type ${asks} --query Instances[].InstanceId`;
    await hosts();
    return ec2(asked);
  };
  const all: { id: string; words: string }[] = [];
  for (const { id, asks, words } of images) all.push({ id: await run(id, asks), words });
  for (const { id, words } of all) {
    await is(id, "running");
    await says(id, words);
  }
  const started = async (id: string) =>
    Date.parse((await cloud.call<{ startedAt: string }>("GET", `/v1/instances/${id}`)).startedAt);
  const before = await Promise.all(all.map(({ id }) => started(id)));
  await until("the first is told", () => told.heard.size > 0);
  await killAll();
  const heardBefore = [...told.heard.keys()];
  told.isMute = false;
  for (const { id, words } of all) {
    await is(id, "running");
    // Its console is asked for of the machine that has it: it is known there again.
    await says(id, words);
  }
  // What is found again tells when it began by the kernel's clock, which counts in ticks.
  for (const [index, { id }] of all.entries())
    assert.ok(Math.abs((await started(id)) - before[index]!) < 100, `${id} was started again`);
  const ids = all.map(({ id }) => id).join(" ");
  const [container, machine] = [all[0]!, all[1]!];
  await typed(machine.id, "echo wo''rd > /tmp/kept", "# ");
  await ec2(`stop-instances --instance-ids ${container.id}`);
  await ec2(`stop-instances --hibernate --instance-ids ${machine.id}`);
  for (const { id } of all) await is(id, "stopped");
  await killAll();
  await ec2(`start-instances --instance-ids ${ids}`);
  for (const { id } of all) await is(id, "running");
  await says(container.id, container.words);
  await typed(machine.id, "cat /tmp/kept", "word");
  await ec2(`terminate-instances --instance-ids ${ids}`);
  for (const { id } of all) await is(id, "terminated");
  assert.equal(await ec2("describe-volumes --query Volumes[].VolumeId"), "");
  const life = ["pending", "running", "stopping", "stopped", "pending", "running"];
  const whole = [...life, "shutting-down", "terminated"];
  const isTold = (id: string) => told.statesOf(id).length >= whole.length;
  await until("all is told", () => all.every(({ id }) => isTold(id)));
  for (const { id } of all) assert.deepEqual(told.statesOf(id), whole);
  for (const id of heardBefore) assert.ok(told.acknowledged.has(id), `${id} was told once more`);
});
