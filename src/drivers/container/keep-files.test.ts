import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { limits } from "#/base/limits.ts";
import type { InstanceOrder } from "#/model/hosting.ts";
import type { ImageBlob } from "#/model/image.ts";
import { ContainerRig } from "./testing/container-rig.ts";

let rig: ContainerRig;
/** Layers of the image: files that the container removes, a folder that it replaces, one that it adds to. */
let below: readonly ImageBlob[];
before(() => {
  rig = new ContainerRig();
  const files = { "gone-1": "1", "gone-2": "2", "replaced/old": "old", "kept/file": "kept" };
  below = [rig.busybox(), rig.files(files)];
});
after(() => rig.close());

const waits = "while :; do sleep 1; done";

function ordered(instance: string, layers: readonly ImageBlob[], script: string): InstanceOrder {
  const order = rig.order(["sh", "-c", script], { instance });
  assert.ok(order.root.type === "files");
  return { ...order, root: { ...order.root, layers } };
}

/** All files that a container sees in its root, with all that is told of them. */
function treeOf(order: InstanceOrder): string {
  const root = `/proc/${rig.pidOf(order)}/root/`;
  const others = ["proc", "sys", "dev", "volumes"].flatMap((name) => [
    "-path",
    `${root}${name}`,
    "-prune",
    "-o",
  ]);
  const told = "%P|%y|%m|%U|%G|%l|%n|%s\\n";
  const found = execFileSync("find", [
    root,
    ...others,
    "-type",
    "d",
    "-printf",
    "%P|d|%m|%U|%G\\n",
    "-o",
    "-printf",
    told,
  ]);
  return found.toString().split("\n").toSorted().join("\n");
}

test("what a container has changed is a layer: another container of it sees the same files", async () => {
  const changes = `
    rm /gone-1 /gone-2
    rm -r /replaced && mkdir -m 750 /replaced && echo new >/replaced/new
    echo more >>/kept/file
    mkdir /own && echo own >/own/file && busybox ln /own/file /own/second && chown ann:staff /own/file
    busybox cp /bin/busybox /own/tool && busybox chmod 4755 /own/tool
    mknod /own/pipe p
    busybox ln -s ../../../own/file /own/link
    touch "/own/$(seq -s - 60)"
    echo changed
    ${waits}`;
  const first = ordered("i-00000000000000001", below, changes);
  const running = await rig.start(first);
  await rig.printed(running, /changed/);
  const pid = rig.pidOf(first);
  const attributes = `import os
os.setxattr("/proc/${pid}/root/own/file", "user.note", b"a\\x00\\xff=b")
os.setxattr("/proc/${pid}/root/own/tool", "security.capability", bytes.fromhex("0100000200200000000000000000000000000000"))`;
  const asRoot = [`--user=/proc/${pid}/ns/user`, "--setuid=0", "--setgid=0"];
  execFileSync("nsenter", [...asRoot, "python3", "-c", attributes]);

  const layers = await rig.driver.keepFiles!(rig.folderOf(first), first, { isConsistent: true });
  assert.deepEqual(layers.slice(0, 2), below);
  assert.equal(layers.length, 3);
  const left = readdirSync(join(rig.folderOf(first), "container"));
  assert.deepEqual(
    left.filter((name) => name.startsWith("changes")),
    [],
  );

  const second = ordered("i-00000000000000002", layers, waits);
  const other = await rig.start(second);
  const expected = treeOf(first).replace("../../../own/file|1|17", "../own/file|1|11");
  assert.equal(treeOf(second), expected);
  for (const gone of ["gone-1", "gone-2", "replaced/old"])
    assert.doesNotMatch(expected, new RegExp(`^${gone}\\|`, "m"));
  assert.match(expected, /^own\/second\|f\|644\|\d+\|\d+\|\|2\|/m);
  const kept = readFileSync(`/proc/${rig.pidOf(second)}/root/kept/file`, "utf8");
  assert.equal(kept, "keptmore\n");
  const read = (name: string, attribute: string) =>
    execFileSync("python3", [
      "-c",
      `import os; print(os.getxattr("/proc/${rig.pidOf(second)}/root/own/${name}", "${attribute}").hex())`,
    ])
      .toString()
      .trim();
  assert.equal(read("file", "user.note"), "6100ff3d62");
  const rootId = Buffer.alloc(4);
  rootId.writeUInt32LE(limits.containerOwnerBase);
  assert.equal(
    read("tool", "security.capability"),
    `0100000300200000000000000000000000000000${rootId.toString("hex")}`,
  );

  // The layer that was made of it is changed again.
  await other.stop(0);
  const third = ordered("i-00000000000000002", layers, `rm /own/second; echo again; ${waits}`);
  const again = await rig.start(third);
  await rig.printed(again, /again/);
  const more = await rig.driver.keepFiles!(rig.folderOf(third), third, { isConsistent: true });
  assert.equal(more.length, 4);
  await again.stop(0);
  const stopped = await rig.driver.keepFiles!(rig.folderOf(third), third, { isConsistent: true });
  assert.deepEqual(stopped.slice(0, 3), more.slice(0, 3));
  await running.stop(0);
});

test("a container stands still while its files are kept, and goes on; one that stood still when its agent died goes on with the next", async () => {
  const order = ordered("i-00000000000000003", below, "while :; do echo x >>/log; done");
  const running = await rig.start(order);
  const log = join(rig.folderOf(order), "container/upper/log");
  const size = () => statSync(log, { throwIfNoEntry: false })?.size ?? 0;
  const grows = async () => {
    const before = size();
    while (size() <= before) await wait(5);
  };
  await grows();
  await rig.driver.keepFiles!(rig.folderOf(order), order, { isConsistent: true });
  await grows();
  const cages = rig.parts.processes.cages(`${rig.parts.mark}-containers`, { lasting: true })!;
  const cage = cages.make(order.instance, {});
  while (!cage.freeze()) await wait(2);
  const found = await rig.begin().find(rig.folderOf(order), order);
  await grows();
  await rig.driver.keepFiles!(rig.folderOf(order), order, { isConsistent: false });
  await found!.stop(0);
  await running.ended;
});
