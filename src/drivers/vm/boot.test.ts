import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, test } from "node:test";
import { heard, VmRig } from "./testing/rig.ts";
import { tinyGuest } from "./testing/tiny-guest.ts";
import { bootSector, unikernel } from "./testing/tiny-programs.ts";

const guest = tinyGuest();
const skip = guest ? false : "there is no kernel for guests here";
const rig = guest ? await VmRig.make(guest) : undefined!;
after(() => rig?.close());

test("a vm without a kernel of its image's boots from its disk", { skip }, async (t) => {
  const disk = rig.disk("vol-0000000000000001", "/dev/sda1", { iops: 1000 });
  const raw = join(rig.folder, "sector");
  await writeFile(raw, Buffer.concat([bootSector("booted from its disk"), Buffer.alloc(63 * 512)]));
  execFileSync("qemu-img", ["convert", "-n", "-f", "raw", "-O", "qcow2", raw, disk.path]);
  const order = rig.order({ kind: "vm", root: { type: "disk" }, disks: [disk] });
  const { vm } = await rig.start(t, order, rig.means([disk]));
  await heard(vm, "booted from its disk");
});

test(
  "a unikernel boots as a microvm, and one that is no kernel is refused",
  { skip },
  async (t) => {
    const kernel = join(rig.folder, "unikernel");
    await writeFile(kernel, unikernel("a kernel alone"));
    const root = {
      type: "unikernel",
      kernel: { key: kernel, sizeBytes: 0 },
      commandLine: "",
    } as const;
    const { vm } = await rig.start(t, rig.order({ root, memoryBytes: 32 << 20 }));
    await heard(vm, "a kernel alone");
    t.diagnostic(`it takes ${Math.round(vm.use()!.memoryBytes / 2 ** 20)} MiB`);
    await writeFile(kernel, "no kernel");
    await assert.rejects(rig.start(t, rig.order({ root })), { reasonCode: "Client.InvalidImage" });
  },
);
