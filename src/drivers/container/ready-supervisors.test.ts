import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { limits } from "#/base/limits.ts";
import type { PreparedDisk } from "../instance-driver.ts";
import { instanceMark } from "./instance-mark.ts";
import { ReadySupervisors } from "./ready-supervisors.ts";
import type { SupervisorParts } from "./supervisor-script.ts";
import { ContainerRig } from "./testing/container-rig.ts";

const rig = new ContainerRig();
after(() => rig.close());

const { processes, mark } = rig.parts;
const parts: SupervisorParts = {
  network: "user",
  place: "/mnt",
  addresses: [],
  hidesUnified: existsSync("/sys/fs/cgroup/unified"),
  isMapped: true,
};
const network = {
  type: "user",
  metadataSocket: rig.network.metadataSocket,
  forwards: [],
} as const;
const script =
  "ip address show tap0; [ ! -e /dev/sdg ] || { echo x | dd of=/dev/sdg conv=fsync && echo written; }; echo up; sleep 1000";
const order = rig.order(["sh", "-c", script]);
const supervisorFile = join(rig.folderOf(order), "container/supervisor");

/** Empty of a process that has ended meanwhile. */
function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

/** Those of this rig that wait, with what they have started; they take their mark along when they are used. */
const waiting = (of = mark) => processes.marked(instanceMark, `${of}/ready`);
const programOf = (pid: number) => textOf(`/proc/${pid}/comm`).trim();
const helpers = () => waiting().filter((pid) => ["slirp4netns", "socat"].includes(programOf(pid)));

async function until(what: string, isSo: () => boolean): Promise<void> {
  for (let tries = 0; !isSo(); tries++) {
    assert.ok(tries < 1000, what);
    await wait(10);
  }
}

async function started(disks: PreparedDisk[] = []) {
  const running = await rig.start(order, { network, disks });
  await rig.printed(running, /10\.0\.2\.100[^]*up/);
  return running;
}

const allWait = () => until("all wait", () => helpers().length === limits.supervisorsReady * 2);

test("a container is started by a supervisor that waited, and all of that ends with it", async () => {
  assert.deepEqual(waiting(), [], "nothing waits before the first container");
  await (await started()).stop(0);
  await allWait();
  const before = waiting();
  const running = await started();
  const supervisor = Number(readFileSync(supervisorFile, "utf8").split(" ")[0]);
  assert.ok(before.includes(supervisor), "it was there before");
  const own = helpers().filter((pid) => before.includes(pid));
  const ofInstance = `/${mark}-containers/${order.instance}`;
  const isInside = (pid: number) => textOf(`/proc/${pid}/cgroup`).includes(ofInstance);
  await until("it and what it needs are bounded", () => own.filter(isInside).length === 2);
  const inside = own.filter(isInside);
  await running.stop(0);
  for (const pid of [supervisor, ...inside]) assert.ok(!processes.isAlive(pid), `${pid} has ended`);
});

test("a supervisor whose way out has ended, or that was killed, is not used, and the next one has the volumes", async () => {
  await allWait();
  const before = waiting();
  for (const pid of before.filter((one) => programOf(one) === "slirp4netns")) processes.kill(pid);
  const volume = "vol-0123456789abcdef0";
  const path = join(rig.folder, `${volume}.qcow2`);
  const sizeBytes = 2 ** 24;
  execFileSync("qemu-img", ["create", "-q", "-f", "qcow2", path, String(sizeBytes)]);
  const bounds = { volume, project: "default", sizeBytes, iops: 0, bytesPerSecond: 0 };
  const running = await started([{ volume, device: "/dev/sdg", path, order: bounds }]);
  const supervisor = Number(readFileSync(supervisorFile, "utf8").split(" ")[0]);
  assert.ok(!before.includes(supervisor), "it is another one");
  await rig.printed(running, /written/);
  await running.stop(0);
  await allWait();
  for (const pid of waiting().filter((one) => programOf(one) === "sh")) processes.kill(pid);
  await (await started()).stop(0);
});

test("what waits ends, with all that it has started, when nothing is started for long", async () => {
  const timers = new Map<number, () => void>();
  const clock = {
    ...rig.parts.clock,
    after(delayMs: number, action: () => void) {
      timers.set(delayMs, action);
      return { cancel: () => void timers.delete(delayMs) };
    },
  };
  const own = `${mark}-unused`;
  const ready = new ReadySupervisors({ ...rig.parts, clock, mark: own });
  ready.more(parts);
  timers.get(limits.supervisorsReadyAfterMs)!();
  await until("they wait", () => waiting(own).length >= limits.supervisorsReady * 3);
  assert.equal(ready.take({ ...parts, addresses: ["192.0.2.1"] }), undefined, "of another machine");
  timers.get(limits.supervisorsReadyMs)!();
  assert.equal(ready.take(parts), undefined);
  await until("none is left", () => waiting(own).length === 0);
});

test("what waits ends when its agent is killed, also what was made halfway", async () => {
  const own = `${mark}-killed`;
  const program = `import { nodeHost } from "#/base/node/host.ts";
import { silent } from "#/base/log.ts";
import { startSupervisor } from "./ready-supervisors.ts";
const { processes } = nodeHost(silent);
const to = { folder: "/", log: "/dev/null", mark: ${JSON.stringify(`${own}/ready`)} };
startSupervisor({ processes }, ${JSON.stringify(parts)}, to);
setTimeout(() => {
  startSupervisor({ processes }, ${JSON.stringify(parts)}, to);
  console.log("made");
}, 500);
setInterval(() => {}, 1000);`;
  const args = ["--input-type=module-typescript", "-e", program];
  const agent = spawn(process.execPath, args, {
    cwd: import.meta.dirname,
    stdio: ["ignore", "pipe", "inherit"],
  });
  await new Promise<void>((resolve) => agent.stdout.once("data", () => resolve()));
  assert.ok(waiting(own).length > 0, "some wait");
  agent.kill("SIGKILL");
  await until("none is left", () => waiting(own).length === 0);
  const mounts = readFileSync("/proc/self/mounts", "utf8");
  assert.doesNotMatch(mounts, / \/mnt\/volumes /, "what they mount nobody else sees");
});
