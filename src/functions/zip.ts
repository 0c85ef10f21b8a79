import { Readable } from "node:stream";
import { crc32, createInflateRaw } from "node:zlib";
import { bytesOf } from "#/base/body.ts";
import { limits } from "#/base/limits.ts";

/*
 * Zip archives of strangers. What an archive says of itself may be wrong, so nothing of it is believed: every entry is unpacked
 * once, its size counted and its sum checked, and kept nowhere. Links are the other danger: one that leads out, or an entry that is
 * written by way of a link, would let code be put or read where it has no business. So ".." may only stand at the
 * beginning of where a link leads, which must stay inside, and nothing may lie below a link; then no chain of them leads out.
 * (https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT; archives over 4 GiB have another form, which is not read.)
 */

/** An archive wherever it is. */
export interface ZipSource {
  sizeBytes: number;
  /** Bytes from `start` to before `end`. */
  read(start: number, end: number): Promise<Uint8Array | AsyncIterable<Uint8Array>>;
}

/** Why an archive is not taken: "damaged" also when it would harm. */
export class BadZip extends Error {
  readonly reason: "damaged" | "empty" | "too-large";

  constructor(reason: BadZip["reason"], message: string) {
    super(message);
    this.reason = reason;
  }
}

interface Entry {
  /** Parts of its path, without "." and empty ones. */
  path: string[];
  isLink: boolean;
  isFolder: boolean;
  isDeflated: boolean;
  crc: number;
  packedBytes: number;
  sizeBytes: number;
  offset: number;
}

/** What a zip archive unpacks to, in bytes; all of it was read. Throws BadZip. */
export async function unpackedBytesOf(source: ZipSource): Promise<number> {
  const entries = await entriesOf(source);
  const unpackedBytes = entries.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  if (unpackedBytes > limits.functionUnpackedBytesMax)
    throw new BadZip("too-large", `it unpacks to ${unpackedBytes} bytes`);
  if (!entries.some(({ isFolder }) => !isFolder)) throw new BadZip("empty", "it has no files");
  requireApart(entries);
  requireOwnBytes(entries, source);
  for (const entry of entries) await checkEntry(source, entry);
  return unpackedBytes;
}

/** An archive that is in memory. */
export function zipInMemory(bytes: Uint8Array): ZipSource {
  return { sizeBytes: bytes.length, read: async (start, end) => bytes.subarray(start, end) };
}

const endBytes = 22;
const commentBytesMax = 0xffff;

async function entriesOf(source: ZipSource): Promise<Entry[]> {
  const tailStart = Math.max(0, source.sizeBytes - endBytes - commentBytesMax);
  const tail = await piece(source, tailStart, source.sizeBytes);
  const end = tail.lastIndexOf(Buffer.from([0x50, 0x4b, 5, 6]));
  if (end < 0 || end + endBytes > tail.length) throw damaged("it is no zip archive");
  const count = tail.readUInt16LE(end + 10);
  const directoryBytes = tail.readUInt32LE(end + 12);
  const start = tail.readUInt32LE(end + 16);
  if (start === 0xffffffff || tail.readUInt16LE(end + 4) !== 0)
    throw damaged("it is of a form that is not read: more than 4 GiB, or of several parts");
  if (start + directoryBytes > tailStart + end) throw damaged("its directory is cut off");
  const directory = await piece(source, start, start + directoryBytes);
  const entries: Entry[] = [];
  for (let at = 0, left = count; left > 0; left--) {
    const { entry, next } = entryAt(directory, at);
    entries.push(entry);
    at = next;
  }
  return entries;
}

function entryAt(directory: Buffer, at: number): { entry: Entry; next: number } {
  if (at + 46 > directory.length || directory.readUInt32LE(at) !== 0x02014b50)
    throw damaged("its directory is damaged");
  const nameBytes = directory.readUInt16LE(at + 28);
  if (nameBytes > limits.functionZipNameBytesMax) throw damaged("an entry's name is too long");
  const nameStart = at + 46;
  const next =
    nameStart + nameBytes + directory.readUInt16LE(at + 30) + directory.readUInt16LE(at + 32);
  if (next > directory.length) throw damaged("its directory is damaged");
  const name = directory.toString("utf8", nameStart, nameStart + nameBytes);
  const [flags, method] = [directory.readUInt16LE(at + 8), directory.readUInt16LE(at + 10)];
  if ((flags & 1) !== 0) throw damaged(`the entry '${shown(name)}' is encrypted`);
  if (method !== 0 && method !== 8)
    throw damaged(`the entry '${shown(name)}' is packed in a way that is not read`);
  // The upper half of the attributes is a mode when a system with modes made it.
  const isUnix = directory.readUInt8(at + 5) === 3;
  const mode = isUnix ? directory.readUInt32LE(at + 38) >>> 16 : 0;
  return { entry: { ...pathOf(name, mode & 0o170000), ...sizes() }, next };

  function sizes() {
    return {
      isDeflated: method === 8,
      crc: directory.readUInt32LE(at + 16),
      packedBytes: directory.readUInt32LE(at + 20),
      sizeBytes: directory.readUInt32LE(at + 24),
      offset: directory.readUInt32LE(at + 42),
    };
  }
}

function pathOf(name: string, type: number): Pick<Entry, "path" | "isLink" | "isFolder"> {
  const parts = name.split(/[/\\]/);
  if (/^(?:[/\\]|[A-Za-z]:)/.test(name))
    throw damaged(`the entry '${shown(name)}' has an absolute name`);
  if (parts.includes("..")) throw damaged(`the entry '${shown(name)}' leads out`);
  const path = parts.filter((part) => part !== "" && part !== ".");
  if (name.includes("\0")) throw damaged(`the entry '${shown(name)}' has no good name`);
  if (![0, 0o100000, 0o040000, 0o120000].includes(type))
    throw damaged(`the entry '${shown(name)}' is neither a file nor a folder nor a link`);
  return { path, isLink: type === 0o120000, isFolder: /[/\\]$/.test(name) || type === 0o040000 };
}

/** A folder on the way to an entry. */
interface Folder {
  link?: Entry;
  inside: Map<string, Folder>;
}

/** Throws where something lies below a link, or in its place. */
function requireApart(entries: readonly Entry[]): void {
  const root: Folder = { inside: new Map() };
  for (const entry of entries)
    if (entry.isLink) {
      let folder = root;
      for (const part of entry.path) {
        const next = folder.inside.get(part) ?? { inside: new Map() };
        folder.inside.set(part, next);
        folder = next;
      }
      folder.link = entry;
    }
  for (const entry of entries) {
    let folder: Folder | undefined = root;
    for (const part of entry.path) {
      folder = folder.inside.get(part);
      if (!folder) break;
      if (folder.link && folder.link !== entry)
        throw damaged(`more than one entry is at the link '${shown(folder.link.path.join("/"))}'`);
    }
  }
}

/** Entries that share bytes would unpack to more than an archive of its size can hold. */
function requireOwnBytes(entries: readonly Entry[], { sizeBytes }: ZipSource): void {
  const packedBytes = entries.reduce((sum, entry) => sum + entry.packedBytes, 0);
  if (packedBytes > sizeBytes) throw damaged("its entries are larger than it is");
}

async function checkEntry(source: ZipSource, entry: Entry): Promise<void> {
  const name = shown(entry.path.join("/"));
  const header = await piece(source, entry.offset, entry.offset + 30);
  if (header.length < 30 || header.readUInt32LE(0) !== 0x04034b50)
    throw damaged(`the entry '${name}' is not where the directory says`);
  const start = entry.offset + 30 + header.readUInt16LE(26) + header.readUInt16LE(28);
  const end = start + entry.packedBytes;
  if (end > source.sizeBytes) throw damaged(`the entry '${name}' is cut off`);
  const given = entry.packedBytes === 0 ? new Uint8Array() : await source.read(start, end);
  const packed = given instanceof Uint8Array ? [given] : given;
  const kept: Uint8Array[] = [];
  let [sizeBytes, crc] = [0, 0];
  try {
    for await (const bytes of entry.isDeflated ? inflated(packed) : packed) {
      sizeBytes += bytes.length;
      crc = crc32(bytes, crc);
      if (sizeBytes > entry.sizeBytes) break;
      if (entry.isLink && sizeBytes <= limits.functionZipLinkBytesMax) kept.push(bytes);
    }
  } catch (thrown) {
    if (!isOfZlib(thrown)) throw thrown;
    throw damaged(`the entry '${name}' is damaged`);
  }
  if (sizeBytes !== entry.sizeBytes || crc !== entry.crc)
    throw damaged(`the entry '${name}' is damaged`);
  if (entry.isLink) checkLink(entry, Buffer.concat(kept).toString());
}

function inflated(
  packed: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): AsyncIterable<Uint8Array> {
  const inflate = createInflateRaw();
  const from = Readable.from(packed);
  from.on("error", (error) => inflate.destroy(error));
  return from.pipe(inflate);
}

const isOfZlib = (thrown: unknown) =>
  /^(?:Z_|ERR_)/.test(String((thrown as NodeJS.ErrnoException).code ?? ""));

/** Throws where a link leads out. */
function checkLink({ path, sizeBytes }: Entry, target: string): void {
  const parts = target.split("/").filter((part) => part !== "" && part !== ".");
  const ups = parts.findIndex((part) => part !== "..");
  const upCount = ups < 0 ? parts.length : ups;
  const isInside =
    sizeBytes > 0 &&
    sizeBytes <= limits.functionZipLinkBytesMax &&
    !target.startsWith("/") &&
    !target.includes("\0") &&
    upCount < path.length &&
    !parts.slice(upCount).includes("..");
  if (!isInside) throw damaged(`the link '${shown(path.join("/"))}' leads out`);
}

async function piece(source: ZipSource, start: number, end: number): Promise<Buffer> {
  if (start >= Math.min(end, source.sizeBytes)) return Buffer.alloc(0);
  const given = await source.read(start, Math.min(end, source.sizeBytes));
  return given instanceof Uint8Array
    ? Buffer.from(given.buffer, given.byteOffset, given.byteLength)
    : bytesOf(given);
}

const damaged = (why: string) => new BadZip("damaged", why);

const shown = (name: string) => (name.length > 100 ? `${name.slice(0, 100)}…` : name);
