import assert from "node:assert/strict";
import { test } from "node:test";
import { isKernel } from "./kernel.ts";

const isIt = (content: Uint8Array) =>
  isKernel(async (offset, length) => content.subarray(offset, offset + length));

/** An ELF file with a note at 9000, behind what is read first. */
function elf(bits: 32 | 64, type: number, name = "Xen\0"): Buffer {
  const file = Buffer.alloc(9100);
  file.write("\x7fELF", "latin1");
  const is64 = bits === 64;
  file[4] = is64 ? 2 : 1;
  file.writeUInt32LE(64, is64 ? 0x20 : 0x1c);
  file.writeUInt16LE(is64 ? 56 : 32, is64 ? 0x36 : 0x2a);
  file.writeUInt16LE(2, is64 ? 0x38 : 0x2c);
  const header = 64 + (is64 ? 56 : 32);
  file.writeUInt32LE(1, 64);
  file.writeUInt32LE(4, header);
  file.writeUInt32LE(9000, header + (is64 ? 8 : 4));
  file.writeUInt32LE(20, header + (is64 ? 32 : 16));
  for (const [number, value] of [4, is64 ? 8 : 4, type].entries())
    file.writeUInt32LE(value, 9000 + 4 * number);
  file.write(name, 9012, "latin1");
  return file;
}

test("isKernel() knows a bzImage, a multiboot kernel, and an ELF file by its PVH note", async () => {
  const linux = Buffer.alloc(1024);
  linux.write("HdrS", 0x202);
  const multiboot = Buffer.alloc(8192);
  multiboot.writeUInt32LE(0x1badb002, 4096);
  for (const one of [linux, multiboot, elf(32, 18), elf(64, 18)]) assert.ok(await isIt(one));
});

test("isKernel() refuses what no guest could be started with, however short or damaged", async () => {
  const far = elf(64, 18);
  far.writeBigUInt64LE(2n ** 63n, 0x20);
  const other = [elf(64, 1), elf(64, 18, "GNU\0"), far, elf(64, 18).subarray(0, 100)];
  const short = ["", "MZ\x90\0", "\x7fELF"].map((text) => Buffer.from(text, "latin1"));
  for (const one of [...other, ...short]) assert.equal(await isIt(one), false);
});
