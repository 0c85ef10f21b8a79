import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { limits } from "#/base/limits.ts";
import { heard, Typist, VmRig } from "./testing/rig.ts";
import { tinyGuest } from "./testing/tiny-guest.ts";

const guest = tinyGuest();
const skip = guest ? false : "there is no kernel for guests here";
const rig = guest ? await VmRig.make(guest) : undefined!;
after(() => rig?.close());

test("a vm shows its display, begins anew, and ends when it is asked to", { skip }, async () => {
  const driver = await rig.driver();
  const order = rig.order({ kind: "vm" });
  const folder = rig.instanceFolder(order);
  const vm = await driver.start(folder, order, rig.means());
  await heard(vm, "ready for commands");
  const picture = Buffer.from((await vm.screenshot())!);
  assert.equal(picture.subarray(1, 4).toString("latin1"), "PNG");
  const typist = new Typist(vm, folder);
  await typist.run("touch /tmp/first");
  assert.match(await typist.run("cat /sys/class/dmi/id/product_uuid"), /^ec2/m);
  await vm.reboot();
  await heard(vm, /ready for commands[^]*ready for commands/);
  assert.match(await typist.run("ls /tmp/first"), /No such file/);
  await vm.stop(20_000);
  assert.deepEqual(await vm.ended, { by: "signal" });
});

test(
  "a kernel that gives up, a QEMU that is killed, and what has ended while nobody listened, are told apart",
  { skip },
  async () => {
    const driver = await rig.driver();
    for (const kind of ["microvm", "vm"] as const) {
      const order = rig.order({ kind });
      const folder = rig.instanceFolder(order);
      const panics = await driver.start(folder, order, rig.means());
      await heard(panics, "ready for commands");
      await new Typist(panics, folder).type("echo c > /proc/sysrq-trigger");
      assert.deepEqual(await panics.ended, {
        by: "crash",
        message: "Kernel panic - not syncing: sysrq triggered crash",
      });
    }
    const order = rig.order();
    const folder = rig.instanceFolder(order);
    const killed = await driver.start(folder, order, rig.means());
    for (const pid of rig.parts.processes.marked(
      "CANOPY_MARK",
      `${rig.parts.mark}-${order.instance}`,
    ))
      process.kill(pid, "SIGKILL");
    assert.deepEqual(await killed.ended, { by: "crash", message: "QEMU was ended from outside" });
    assert.equal(existsSync(join(folder, "jail")), false);
    const alone = await driver.start(folder, order, rig.means());
    await heard(alone, "ready for commands");
    alone.leave!();
    await new Typist(alone, folder).type("poweroff -f");
    await new Promise((next) => setTimeout(next, 1000));
    const found = await driver.find(folder, order);
    assert.deepEqual(await found?.ended, { by: "itself" });
  },
);

test(
  "a microvm whose kernel finds no disk has a whole computer at its next start",
  { skip },
  async (t) => {
    const disk = rig.disk("vol-0000000000000003", "/dev/xvda");
    const base = rig.order({ disks: [disk] });
    if (base.root.type !== "disk" || !base.root.boot) return assert.fail("the order has no kernel");
    const { kernel } = base.root.boot;
    const order = {
      ...base,
      root: { type: "disk", boot: { kernel, commandLine: "quiet" } },
    } as const; // no modules: no disk
    const { vm, folder } = await rig.start(t, order, rig.means([disk]));
    const { by, message } = await vm.ended;
    assert.equal(by, "crash");
    assert.match(message!, /Unable to mount root fs/);
    const again = await rig.start(t, { ...base, instance: order.instance }, rig.means([disk]));
    assert.equal(again.folder, folder);
    assert.ok(await again.vm.screenshot(), "it has a display");
    assert.match(rig.said.join(), /does not boot as a microvm/);
  },
);

test(
  "a microvm that is busy and looks at no disk is ended, and has a whole computer next",
  { skip },
  async (t) => {
    const { clock, processes } = rig.parts;
    const hasty = new VmRig(guest!, `${rig.folder}/hasty`, {
      clock: {
        ...clock,
        after: (delayMs, ...what) =>
          clock.after(delayMs === limits.guestLookMs ? 500 : delayMs, ...what),
      },
      processes: {
        ...processes,
        usage: (pid) => ({ memoryBytes: 0, cpuMs: 20 * (processes.usage(pid)?.cpuMs ?? 0) }),
      },
    });
    t.after(() => hasty.close());
    const disk = hasty.disk("vol-0000000000000004", "/dev/xvda");
    const order = hasty.order({ disks: [disk] });
    if (order.root.type === "disk" && order.root.boot)
      Object.assign(order.root.boot, {
        commandLine: 'quiet rdinit=/bin/busybox -- sh -c "while :; do :; done"',
      });
    const { vm } = await hasty.start(t, order, hasty.means([disk]));
    assert.match((await vm.ended).message!, /does not boot as a microvm/);
  },
);
