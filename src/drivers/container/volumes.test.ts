import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { after, test } from "node:test";
import type { PreparedDisk } from "../instance-driver.ts";
import { ContainerRig } from "./testing/container-rig.ts";

const rig = new ContainerRig();
after(() => rig.close());

const MiB = 2 ** 20;

function disk(
  volume: string,
  device: string,
  more: { formatted?: boolean; iops?: number; sizeBytes?: number } = {},
): PreparedDisk {
  const path = join(rig.folder, `${volume}.qcow2`);
  const sizeBytes = more.sizeBytes ?? 16 * MiB;
  if (more.formatted) {
    const raw = `${path}.raw`;
    execFileSync("mke2fs", ["-q", "-t", "ext4", "-F", raw, `${sizeBytes / 1024}k`]);
    execFileSync("qemu-img", ["convert", "-O", "qcow2", raw, path]);
  } else execFileSync("qemu-img", ["create", "-q", "-f", "qcow2", path, String(sizeBytes)]);
  const order = { volume, project: "default", sizeBytes, iops: more.iops ?? 0, bytesPerSecond: 0 };
  return { volume, device, path, order };
}

const loops = () => execFileSync("losetup", ["-n", "-O", "NAME"], { encoding: "utf8" });
const waits = "while :; do sleep 0.05; done";

test("volumes are a folder where a file system is on them, a block device else, and keep what is written", async () => {
  const before = loops();
  const disks = [
    disk("vol-00000000000000001", "/dev/sdf", { formatted: true }),
    disk("vol-00000000000000002", "/dev/sdg"),
  ];
  const script =
    "cat /volumes/sdf/n /volumes/sdg /dev/sdg 2>&1 | head -c 9; echo; df -k /volumes/sdf | tail -1; " +
    "echo kept > /volumes/sdf/n; echo onadevice | dd of=/dev/sdg conv=fsync 2>/dev/null; sync";
  const first = await rig.run(["sh", "-c", script], {}, { disks });
  assert.match(first.printed, /\/volumes\/sdf\n/, first.printed);
  const second = await rig.run(["sh", "-c", script], {}, { disks });
  assert.match(second.printed, /^kept\nonad\n/);
  const third = await rig.start(rig.order(["sh", "-c", waits]), { disks });
  await third.detach(disks[0]!.volume);
  await third.detach(disks[1]!.volume);
  assert.equal(loops(), before, "what was there from the beginning can go too");
  await third.stop(0);
  assert.equal(loops(), before, "no device stays");
});

test("attach() and detach() while it runs; a device that is in use is not let go", async () => {
  const before = loops();
  const order = rig.order(["sh", "-c", waits], { instance: "i-0000000000000000d" });
  const running = await rig.start(order);
  const volume = disk("vol-00000000000000003", "/dev/sdh", { formatted: true });
  await running.attach(volume);
  await running.attach(volume);
  const inside = join("/proc", rig.pidOf(order), "root/volumes/sdh");
  execFileSync("sh", ["-c", `echo mine > ${inside}/x`]);
  const holder = rig.parts.processes.spawn(["sh", "-c", `exec sleep 1000 < ${inside}/x`], {
    folder: "/",
    env: {},
  });
  await assert.rejects(
    running.detach(volume.volume),
    /Cannot detach vol-00000000000000003: .*busy/,
  );
  holder.signal("SIGKILL");
  await holder.ended;
  await running.detach(volume.volume);
  await running.detach(volume.volume);
  assert.equal(execFileSync("ls", [join(inside, "..")], { encoding: "utf8" }), "");
  assert.equal(loops(), before);

  const raw = disk("vol-00000000000000004", "/dev/sdi");
  await running.attach(raw);
  const found = await rig.begin().find(rig.folderOf(order), order);
  await found!.changed({ ...raw, order: { ...raw.order, sizeBytes: 32 * MiB } });
  assert.equal(
    execFileSync("blockdev", ["--getsize64", join(inside, "../sdi")], { encoding: "utf8" }),
    `${32 * MiB}\n`,
  );
  const { path, release } = await found!.freeze({ ...raw.order, sizeBytes: 32 * MiB });
  assert.match(
    execFileSync("qemu-img", ["info", path], { encoding: "utf8" }),
    /virtual size: 32 MiB/,
  );
  await release();
  await found!.stop(0);
  assert.equal(loops(), before);
});

test("a volume keeps to its limits", async () => {
  const volume = disk("vol-00000000000000005", "/dev/sdj", { iops: 100 });
  const script =
    "for n in $(seq 100); do dd if=/dev/sdj of=/dev/null bs=4k count=1 skip=$((n * 37)) iflag=direct 2>/dev/null; done";
  const start = performance.now();
  const { exitCode } = await rig.run(["sh", "-c", script], {}, { disks: [volume] });
  assert.equal(exitCode, 0);
  assert.ok(performance.now() - start > 800, "100 reads at 100 a second");
});

test("a volume that cannot be opened is refused, and nothing of it stays", async () => {
  const before = loops();
  const volume = { ...disk("vol-00000000000000006", "/dev/sdk"), path: "/no/such.qcow2" };
  await assert.rejects(
    rig.run(["true"], {}, { disks: [volume] }),
    /Cannot give vol-00000000000000006 .*No such file/,
  );
  const named = disk("vol-00000000000000007", "/dev/../x");
  await assert.rejects(rig.run(["true"], {}, { disks: [named] }), {
    reasonCode: "Client.InvalidParameterValue",
  });
  assert.equal(loops(), before);
});
