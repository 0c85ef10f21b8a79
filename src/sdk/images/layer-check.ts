import { createHash } from "node:crypto";
import { CanopyError, messageOf } from "#/base/errors.ts";
import { createGunzip, createZstdDecompress } from "node:zlib";
import { pipeline, Readable, type Transform } from "node:stream";

/** How a layer is packed, by its first bytes. */
export type Packing = "none" | "gzip" | "zstd";

export function packingOf(head: Uint8Array): Packing {
  const mark = Buffer.from(head).toString("hex", 0, 4);
  if (mark.startsWith("1f8b")) return "gzip";
  return mark === "28b52ffd" ? "zstd" : "none";
}

const blockBytes = 512;
const headerBytesMax = 1024 * 1024;

/**
 * Reads a layer, and gives the SHA-256 of its tar. Throws CanopyError "invalid" for what is no tar, or has a name or a link
 * that leads out of the root of the file system which it is a layer of. Machines hold it against more rules when they unpack it.
 */
export async function checkLayer(
  source: AsyncIterable<Uint8Array>,
  packing: Packing,
): Promise<{ digest: string }> {
  const hash = createHash("sha256");
  const reader = new Reader(unpacked(source, packing), (piece) => void hash.update(piece));
  let told: { name?: string; link?: string } = {};
  for (;;) {
    const block = await reader.take(blockBytes);
    if (!block || block.every((byte) => byte === 0)) break;
    const { type, sizeBytes, ...own } = readHeader(block);
    const padded = Math.ceil(sizeBytes / blockBytes) * blockBytes;
    if (type === "x" || type === "g" || type === "L" || type === "K") {
      if (sizeBytes > headerBytesMax) throw no("one of its headers is too long");
      const content = await reader.take(padded);
      if (!content) throw no("it is cut off");
      const text = content.toString("utf8", 0, sizeBytes);
      if (type === "x") told = { ...told, ...readPax(text) };
      else if (type === "L") told = { ...told, name: text.split("\0")[0]! };
      else if (type === "K") told = { ...told, link: text.split("\0")[0]! };
      continue;
    }
    check({ ...own, ...told, type });
    told = {};
    if (type !== "1" && type !== "2" && !(await reader.skip(padded))) throw no("it is cut off");
  }
  await reader.rest();
  return { digest: hash.digest("hex") };
}

async function* unpacked(
  source: AsyncIterable<Uint8Array>,
  packing: Packing,
): AsyncGenerator<Uint8Array> {
  if (packing === "none") return yield* source;
  const opened: Transform = packing === "gzip" ? createGunzip() : createZstdDecompress();
  pipeline(Readable.from(source), opened, () => {}); // what fails is thrown to who reads
  try {
    yield* opened as AsyncIterable<Uint8Array>;
  } catch (thrown) {
    throw no(messageOf(thrown));
  }
}

function readHeader(block: Buffer): {
  name: string;
  link: string;
  type: string;
  sizeBytes: number;
} {
  const text = (offset: number, length: number) =>
    block.toString("utf8", offset, offset + length).split("\0")[0]!;
  const sum = block.reduce((all, byte, at) => all + (at >= 148 && at < 156 ? 0x20 : byte), 0);
  if (Number.parseInt(text(148, 8).trim(), 8) !== sum) throw no("it is no tar");
  const isLong = (block[124]! & 0x80) !== 0;
  const sizeBytes = isLong
    ? Number(block.readBigUInt64BE(128))
    : Number.parseInt(text(124, 12).trim() || "0", 8);
  if (!Number.isSafeInteger(sizeBytes)) throw no("one of its files has no size");
  const prefix = text(257, 5) === "ustar" ? text(345, 155) : "";
  const name = text(0, 100);
  return {
    name: prefix === "" ? name : `${prefix}/${name}`,
    link: text(157, 100),
    type: text(156, 1) || "0",
    sizeBytes,
  };
}

/** Records of "LENGTH KEY=VALUE\n". */
function readPax(text: string): { name?: string; link?: string } {
  const told: { name?: string; link?: string } = {};
  for (const record of text.split("\n")) {
    const [, key, value] = /^\d+ ([^=]+)=(.*)$/s.exec(record) ?? [];
    if (key === "path") told.name = value!;
    else if (key === "linkpath") told.link = value!;
  }
  return told;
}

function check({ name, link, type }: { name: string; link: string; type: string }): void {
  if (name.startsWith("/") || leadsOut(name.split("/")) || name.split("/").includes(".."))
    throw no(`a name must stay below its root: it has '${name.slice(0, 200)}'`);
  if (type === "1" && (link.startsWith("/") || link.split("/").includes("..")))
    throw no(`a link must stay below its root: '${name}' leads to '${link.slice(0, 200)}'`);
  if (type !== "2" || link.startsWith("/")) return; // from the root of what it is in
  if (leadsOut([...name.split("/").slice(0, -1), ...link.split("/")]))
    throw no(`a link must stay below its root: '${name}' leads to '${link.slice(0, 200)}'`);
}

function leadsOut(steps: readonly string[]): boolean {
  let depth = 0;
  for (const step of steps) {
    if (step === "..") depth--;
    else if (step !== "" && step !== ".") depth++;
    if (depth < 0) return true;
  }
  return false;
}

/** Bytes of a source, so many at a time. */
class Reader {
  #source: AsyncIterator<Uint8Array>;
  #seen: (piece: Uint8Array) => void;
  #piece: Uint8Array = Buffer.alloc(0);

  constructor(source: AsyncIterable<Uint8Array>, seen: (piece: Uint8Array) => void) {
    this.#source = source[Symbol.asyncIterator]();
    this.#seen = seen;
  }

  /** Undefined at its end. */
  async take(lengthBytes: number): Promise<Buffer | undefined> {
    const taken = Buffer.alloc(lengthBytes);
    for (let at = 0; at < lengthBytes;) {
      if (!(await this.#more())) return undefined;
      const part = this.#piece.subarray(0, lengthBytes - at);
      taken.set(part, at);
      at += part.length;
      this.#piece = this.#piece.subarray(part.length);
    }
    return taken;
  }

  /** False where it ends before. */
  async skip(lengthBytes: number): Promise<boolean> {
    for (let left = lengthBytes; left > 0;) {
      if (!(await this.#more())) return false;
      const part = Math.min(left, this.#piece.length);
      this.#piece = this.#piece.subarray(part);
      left -= part;
    }
    return true;
  }

  async rest(): Promise<void> {
    while (await this.#more()) this.#piece = this.#piece.subarray(this.#piece.length);
  }

  async #more(): Promise<boolean> {
    while (this.#piece.length === 0) {
      const next = await this.#source.next();
      if (next.done) return false;
      this.#seen(next.value);
      this.#piece = next.value;
    }
    return true;
  }
}

const no = (why: string) => new CanopyError("invalid", `Cannot use a layer of the image as ${why}`);
