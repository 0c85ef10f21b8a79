import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, test } from "node:test";
import { heard, VmRig } from "./testing/rig.ts";
import { tinyGuest } from "./testing/tiny-guest.ts";

const guest = tinyGuest();
const skip = guest ? false : "there is no kernel for guests here";
const rig = guest ? await VmRig.make(guest) : undefined!;
after(() => rig?.close());

const key = Buffer.alloc(32, 7).toString("base64");

test(
  "a copy of a sealed volume holds one moment of it while the guest goes on writing, and is sealed too",
  { skip },
  async (t) => {
    const disk = rig.disk("vol-0000000000000001", "/dev/xvda", { key });
    const { vm, typist, folder } = await rig.start(
      t,
      rig.order({ disks: [disk] }),
      rig.means([disk]),
    );
    await heard(vm, "ready for commands");
    await typist.run(
      "dd if=/dev/zero bs=1M count=32 2>/dev/null | tr '\\0' A | dd of=/dev/vda bs=1M conv=fsync 2>/dev/null",
    );
    await typist.type(
      "tr '\\0' B </dev/zero | head -c 4096 >/tmp/b; (at=0; while [ $at -lt 8192 ]; do dd if=/tmp/b of=/dev/vda bs=4k seek=$at conv=notrunc,fsync 2>/dev/null; at=$((at+1)); done) &",
    );
    const frozen = await vm.freeze(disk.order);
    const keyFile = join(folder, "key");
    await writeFile(keyFile, key);
    const raw = join(folder, "raw");
    execFileSync("qemu-img", [
      "convert",
      "--object",
      `secret,id=k,file=${keyFile}`,
      "--image-opts",
      `driver=qcow2,file.filename=${frozen.path},encrypt.key-secret=k`,
      "-O",
      "raw",
      raw,
    ]);
    const content = await readFile(raw);
    assert.equal(content.length, 64 << 20);
    const first = content.indexOf("A");
    assert.ok(first > 0 && first % 4096 === 0, `what was written first ends at ${first}`);
    assert.equal(
      content.subarray(0, first).every((byte) => byte === 66),
      true,
    );
    assert.equal(
      content.subarray(first, 32 << 20).every((byte) => byte === 65),
      true,
    );
    assert.equal(
      content.subarray(32 << 20).every((byte) => byte === 0),
      true,
    );
    assert.equal((await readFile(frozen.path)).includes("AAAAAAAAAAAAAAAA"), false);
    await frozen.release();
    await assert.rejects(stat(frozen.path));
    assert.match(
      await typist.run(`dd if=/dev/vda bs=4k skip=${first / 4096} count=1 2>/dev/null | head -c 3`),
      /BBB/,
    );
  },
);

test(
  "a volume is held to its IOPS and bytes per second, also when they change",
  { skip },
  async (t) => {
    const disk = rig.disk("vol-0000000000000002", "/dev/xvda", { iops: 200 });
    const { vm, typist } = await rig.start(t, rig.order({ disks: [disk] }), rig.means([disk]));
    await heard(vm, "ready for commands");
    const took = async (command: string) => {
      const said = await typist.run(`cat /proc/uptime; ${command} 2>/dev/null; cat /proc/uptime`);
      const [from = 0, to = 0] = [...said.matchAll(/^([\d.]+) /gm)].map(([, at]) => Number(at));
      return to - from;
    };
    const read = (count: number) => `dd if=/dev/vda of=/dev/null bs=4k iflag=direct count=${count}`;
    const isNear = (value: number, limit: number) => {
      t.diagnostic(`${value.toFixed(1)} of ${limit}`);
      assert.ok(Math.abs(value / limit - 1) < 0.1, `${value} of ${limit}`);
    };
    isNear(600 / (await took(read(600))), 200);
    await vm.changed({ ...disk, order: { ...disk.order, iops: 400 } });
    isNear(1200 / (await took(read(1200))), 400);
    await vm.changed({ ...disk, order: { ...disk.order, iops: 0, bytesPerSecond: 8 << 20 } });
    isNear(24 / (await took("dd if=/dev/vda of=/dev/null bs=1M iflag=direct count=24")), 8);
  },
);
