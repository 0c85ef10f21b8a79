import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, test } from "node:test";
import { openDiskFile } from "#/base/nbd/disk-file.ts";
import { heard, VmRig } from "./testing/rig.ts";
import { tinyGuest } from "./testing/tiny-guest.ts";

const guest = tinyGuest();
const skip = guest ? false : "there is no kernel for guests here";
const rig = guest ? await VmRig.make(guest) : undefined!;
after(() => rig?.close());

const key = Buffer.alloc(32, 7).toString("base64");

test(
  "a copy of a volume holds one moment of it while the guest goes on writing",
  { skip },
  async (t) => {
    const sealed = rig.disk("vol-0000000000000001", "/dev/xvda", { key });
    const based = rig.diskOnBase("vol-0000000000000003", "/dev/sdf", "");
    await writeFile(based.below!, Buffer.alloc(64 << 20, "C"));
    const disks = [sealed, based];
    const { vm, typist, folder } = await rig.start(t, rig.order({ disks }), rig.means(disks));
    await heard(vm, "ready for commands");
    const of = (letter: string) => `tr '\\0' ${letter} </dev/zero`;
    const isAll = (content: Buffer, letter: string, from: number, to: number) =>
      assert.ok(
        content.subarray(from, to).every((byte) => byte === letter.charCodeAt(0)),
        `${letter} from ${from} to ${to}`,
      );
    /** Writes block after block anew, each on disk before the next: resolves when it is under way. */
    const writes = async (device: string) => {
      await typist.type(
        `${of("B")} | head -c 4096 >/tmp/b; (at=0; while [ $at -lt 2048 ]; do dd if=/tmp/b of=${device} bs=4k seek=$at conv=notrunc,fsync 2>/dev/null; [ $at = 9 ] && echo > /tmp/writes; at=$((at+1)); done) &`,
      );
      await typist.run("until [ -e /tmp/writes ]; do sleep 0.02; done; rm /tmp/writes");
    };
    /** Up to where it was written anew: before that all of it was, and behind it nothing. */
    const renewed = (content: Buffer) => {
      const first = content.indexOf("A");
      assert.ok(
        first >= 10 * 4096 && first % 4096 === 0,
        `what was written first ends at ${first}`,
      );
      isAll(content, "B", 0, first);
      return first;
    };

    await t.test("of one that is sealed, and is so too", async () => {
      await typist.run(
        `${of("A")} | dd of=/dev/vda bs=64k count=512 iflag=fullblock conv=fsync 2>/dev/null`,
      );
      await writes("/dev/vda");
      const frozen = await vm.freeze(sealed.order);
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
      const first = renewed(content);
      isAll(content, "A", first, 32 << 20);
      isAll(content, "\0", 32 << 20, 64 << 20);
      assert.equal((await readFile(frozen.path)).includes("AAAAAAAAAAAAAAAA"), false);
      await frozen.release();
      await assert.rejects(stat(frozen.path));
      const next = `dd if=/dev/vda bs=4k skip=${first / 4096} count=1 2>/dev/null | head -c 3`;
      await typist.run(`until ${next} | grep -q BBB; do sleep 0.1; done`);
    });

    await t.test("of one that stands on something, without that", async () => {
      await typist.run(
        `${of("A")} | dd of=/dev/sda bs=64k count=128 iflag=fullblock conv=fsync 2>/dev/null; dd if=/dev/zero of=/dev/sda bs=1M seek=16 count=4 conv=fsync 2>/dev/null`,
      );
      await writes("/dev/sda");
      const { path, isOnBase, release } = await vm.freeze(based.order);
      assert.equal(isOnBase, true);
      const { blocks } = await stat(path);
      assert.ok(blocks * 512 < 16 << 20, `it takes ${blocks * 512} bytes`);
      const { contents, close } = await openDiskFile(
        { ...rig.parts, folder, env: { PATH: process.env["PATH"]! } },
        { path, format: "qcow2", below: based.below! },
        { isReadOnly: true },
      );
      const pieces = [0, 1, 2, 3].map((number) => contents.read(number << 24, 1 << 24));
      const content = Buffer.concat(await Promise.all(pieces).finally(close));
      await release();
      isAll(content, "A", renewed(content), 8 << 20);
      isAll(content, "C", 8 << 20, 16 << 20);
      isAll(content, "\0", 16 << 20, 20 << 20);
      isAll(content, "C", 20 << 20, 64 << 20);
    });
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
    // One read waits for the other, and on a busy machine for its turn too: only what is above the limit is surely wrong.
    const isHeldTo = (limit: number, value: number) => {
      t.diagnostic(`${value.toFixed(1)} of ${limit}`);
      assert.ok(value < 1.1 * limit && value > limit / 2, `${value} of ${limit}`);
    };
    isHeldTo(200, 600 / (await took(read(600))));
    await vm.changed({ ...disk, order: { ...disk.order, iops: 100 } });
    isHeldTo(100, 300 / (await took(read(300))));
    await vm.changed({ ...disk, order: { ...disk.order, iops: 0, bytesPerSecond: 8 << 20 } });
    isHeldTo(8, 24 / (await took("dd if=/dev/vda of=/dev/null bs=1M iflag=direct count=24")));
  },
);
