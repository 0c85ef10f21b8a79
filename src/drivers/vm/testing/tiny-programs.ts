/** Programs that say something on the first serial port, and then stand still: without any kernel under them. */

const say = [0xac, 0x84, 0xc0, 0x74, 0x03, 0xee, 0xeb, 0xf8, 0xf4, 0xeb, 0xfd]; // lodsb; until 0: out; hlt

/** The first sector of a disk, that a firmware loads to 0x7c00 and goes to. */
export function bootSector(words: string): Buffer {
  const sector = Buffer.alloc(512);
  const begin = [0xfa, 0x31, 0xc0, 0x8e, 0xd8, 0xbe, 0x17, 0x7c, 0xba, 0xf8, 0x03, 0xfc];
  Buffer.from([...begin, ...say]).copy(sector);
  sector.write(words, begin.length + say.length, "latin1");
  sector.writeUInt16LE(0xaa55, 510);
  return sector;
}

/**
 * A unikernel: an ELF file with a note that says where a machine without firmware enters it, in 32 bits
 * (https://xenbits.xen.org/docs/unstable/misc/pvh.html).
 */
export function unikernel(words: string): Buffer {
  const [address, offset, entry] = [0x100000, 0x1000, 0x100000];
  const file = Buffer.alloc(offset + 512);
  file.write("\x7fELF\x02\x01\x01", 0, "latin1"); // 64 bits, little-endian
  file.writeUInt16LE(2, 16); // executable
  file.writeUInt16LE(62, 18); // x86-64
  file.writeUInt32LE(1, 20);
  file.writeBigUInt64LE(BigInt(entry), 24);
  file.writeBigUInt64LE(64n, 32); // where what is loaded is told
  file.writeUInt16LE(64, 52);
  file.writeUInt16LE(56, 54);
  file.writeUInt16LE(2, 56);
  segment(file, 64, { type: 1, flags: 7, offset, address, size: 512 });
  segment(file, 120, { type: 4, flags: 4, offset: 0x200, address: 0, size: 20 });
  file.writeUInt32LE(4, 0x200); // a note: the length of its name and content, and its type
  file.writeUInt32LE(4, 0x204);
  file.writeUInt32LE(18, 0x208);
  file.write("Xen\0", 0x20c, "latin1");
  file.writeUInt32LE(entry, 0x210);
  const begin = [0xbe, 0, 0, 0, 0, 0x66, 0xba, 0xf8, 0x03, 0xfc];
  Buffer.from([...begin, ...say]).copy(file, offset);
  file.writeUInt32LE(address + begin.length + say.length, offset + 1);
  file.write(words, offset + begin.length + say.length, "latin1");
  return file;
}

function segment(
  file: Buffer,
  at: number,
  {
    type,
    flags,
    offset,
    address,
    size,
  }: Record<"type" | "flags" | "offset" | "address" | "size", number>,
): void {
  file.writeUInt32LE(type, at);
  file.writeUInt32LE(flags, at + 4);
  for (const [index, value] of [offset, address, address, size, size, 4].entries())
    file.writeBigUInt64LE(BigInt(value), at + 8 + index * 8);
}
