import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { after, test } from "node:test";
import { seen } from "../testing/seen.ts";
import { ContainerRig } from "./testing/container-rig.ts";

const rig = new ContainerRig();
after(() => rig.close());

/** An image with busybox's init, and what it is to do. */
const initWith = (inittab: string, script: string) =>
  rig.files({ "etc/inittab": inittab, "etc/init.d/rcS": `#!/bin/sh\n${script}\n` });

test("a system runs an init that starts, counts reboots of its own, and is switched off by its machine", async () => {
  const layer = initWith(
    "::sysinit:/etc/init.d/rcS\n::respawn:/bin/sleep 1000\n",
    "echo $((`cat /n 2>/dev/null` + 1)) > /n; echo boot `cat /n` as $$; mount -t tmpfs t /tmp && echo mounted; " +
      "hostname inner; hostname; [ `cat /n` = 1 ] && reboot",
  );
  const order = rig.order([], { kind: "system" });
  const running = await rig.start({
    ...order,
    root: { ...order.root, layers: [rig.busybox(), layer] } as never,
  });
  await rig.printed(running, /boot 1 as \d+\r?\nmounted\r?\ninner[^]*boot 2 as/);
  await running.stop(10_000);
  assert.deepEqual(await running.ended, { by: "itself", exitCode: 0 });
  assert.ok(!existsSync(`/sys/fs/cgroup/systemd/canopy/${order.instance}`));
});

test("a system that switches itself off has ended by itself; one whose init fails has crashed", async () => {
  const layer = initWith("::sysinit:/etc/init.d/rcS\n", "poweroff");
  const order = rig.order([], { kind: "system" });
  const off = await rig.start({
    ...order,
    root: { ...order.root, layers: [rig.busybox(), layer] } as never,
  });
  assert.deepEqual(await off.ended, { by: "itself", exitCode: 0 });
  const failed = await rig.run(["sh", "-c", "exit 4"], { kind: "system" });
  assert.equal(failed.by, "crash");
  assert.equal(failed.exitCode, 4);
});

test("root of a system is nobody on the machine either: it reaches no device, clock or setting of it", async () => {
  const { printed } = await rig.run(
    [
      "sh",
      "-c",
      "date -s 2001-01-01; mknod /tmp/sda b 8 0; echo 1 > /proc/sys/kernel/panic; " +
        "ip link set lo down; cat /var/lib/cloud/seed/nocloud/network-config; mount -t proc p /mnt; ls /sys/fs/cgroup/memory; cat /proc/1/environ | head -c 1; echo; id",
    ],
    { kind: "system" },
  );
  for (const refused of ["date: can't set date", "mknod: /tmp/sda", "panic", "ip: "])
    assert.match(printed, new RegExp(`${refused}.*(not permitted|denied|Read-only)`), refused);
  assert.match(printed, /uid=0\(root\)/);
  assert.match(printed, /{"config":"disabled"}/, "nor may its init give it another address");
  assert.doesNotMatch(execFileSync("date", { encoding: "utf8" }), /2001/);
});

test("terminal() is the console of the init, where what is typed is heard, and what others type is seen", async () => {
  const layer = initWith("::sysinit:/etc/init.d/rcS\n::respawn:-/bin/sh\n", "echo ready");
  const order = rig.order([], { kind: "system" });
  const running = await rig.start({
    ...order,
    root: { ...order.root, layers: [rig.busybox(), layer] } as never,
  });
  await rig.printed(running, /ready[^]*# /);
  const [one, other] = [await running.terminal({}), await running.terminal({})];
  await other.write("echo at once $((7 * 7))\n");
  await seen(other, /at once 49/);
  await one.write("echo answer $((6 * 7))\n");
  await seen(one, /answer 42/);
  await seen(other, /answer 42/);
  one.close();
  await other.write("echo again $((8 * 8))\n");
  await seen(other, /again 64/);
  other.close();
  await running.stop(0);
});
