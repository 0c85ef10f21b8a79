/** "multiboot" of https://www.gnu.org/software/grub/manual/multiboot/multiboot.html, which is in the first 8 KiB. */
const multiboot = Buffer.from([0x02, 0xb0, 0xad, 0x1b]);
const headBytes = 8192;

/** The note that says where a machine without firmware enters an ELF file: https://xenbits.xen.org/docs/unstable/misc/pvh.html */
const entryNotes = [4, 8].map((bytes) =>
  Buffer.from([4, 0, 0, 0, bytes, 0, 0, 0, 18, 0, 0, 0, ...Buffer.from("Xen\0")]),
);
const noteSegment = 4;
const notesBytesMax = 64 * 1024;

/** Gives what a file has at a place: less than was asked for at its end. */
export type ReadPart = (offset: number, length: number) => Promise<Uint8Array>;

/** What a guest's kernel must be, in words of a refusal. */
export const kernelRule = "a Linux bzImage, an ELF file with a PVH note, or a multiboot kernel";

/** Whether a guest can be started with this kernel: Linux as it comes has "HdrS" at 0x202 (Documentation/arch/x86/boot.rst). */
export async function isKernel(read: ReadPart): Promise<boolean> {
  const head = Buffer.from(await read(0, headBytes));
  if (head.toString("latin1", 0x202, 0x206) === "HdrS" || head.includes(multiboot)) return true;
  for (const { offset, length } of notesOf(head)) {
    const notes = Buffer.from(await read(offset, Math.min(length, notesBytesMax)));
    if (entryNotes.some((note) => notes.includes(note))) return true;
  }
  return false;
}

/** Where the notes of an ELF file are, by its program headers (elf(5)); none of another file. */
function notesOf(head: Buffer): { offset: number; length: number }[] {
  const is64 = head[4] === 2;
  if (head.length < 64 || head.toString("latin1", 0, 4) !== "\x7fELF") return [];
  const word = (at: number) => (is64 ? Number(head.readBigUInt64LE(at)) : head.readUInt32LE(at));
  const first = word(is64 ? 0x20 : 0x1c);
  const size = head.readUInt16LE(is64 ? 0x36 : 0x2a);
  const count = head.readUInt16LE(is64 ? 0x38 : 0x2c);
  if (size < (is64 ? 56 : 32)) return [];
  const starts = Array.from({ length: count }, (_, number) => first + number * size);
  return starts
    .filter((at) => at + size <= head.length && head.readUInt32LE(at) === noteSegment)
    .map((at) => ({ offset: word(at + (is64 ? 8 : 4)), length: word(at + (is64 ? 32 : 16)) }))
    .filter(({ offset }) => Number.isSafeInteger(offset));
}
