import type { IHasher } from "hash-wasm";
import type { Files, MemoryFile } from "#/base/files.ts";
import type { Host } from "#/base/host.ts";
import { limits } from "#/base/limits.ts";
import type { NbdClient } from "#/base/nbd/nbd-client.ts";

/**
 * Copies the memory of a guest to another machine while the guest goes on. Nobody has to tell what it writes meanwhile: each round
 * reads all of it, and sends the blocks whose digest is not that of what was sent last. After a round in which the guest stood
 * still both sides are the same. A digest has 128 bits, so that no two blocks that a guest ever has share one by chance.
 */
export class MemoryCopy {
  #parts: MemoryCopyParts;
  #target: NbdClient;
  #file: MemoryFile;
  #hasher: IHasher;
  /** By block, the digest of what the other side has. */
  #sent: Buffer;
  #piece = Buffer.alloc(limits.memoryPieceBytes);
  #writes = new Set<Promise<void>>();
  #fault: unknown;

  /** From the file at `path` into a disk of the same size. Throws CanopyError "unavailable". */
  static async begin(parts: MemoryCopyParts, path: string, target: NbdClient): Promise<MemoryCopy> {
    const { createXXHash128 } = await import("hash-wasm");
    const copy = new MemoryCopy(parts, path, target, await createXXHash128());
    // What a machine has in its memory before it begins is not known here.
    let at = 0;
    for await (const { lengthBytes, isZero } of target.extents(0, target.sizeBytes)) {
      const end = at + lengthBytes;
      if (!isZero) copy.#sent.fill(0xff, digestAt(at), digestAt(end - 1) + digestBytes);
      at = end;
    }
    return copy;
  }

  private constructor(parts: MemoryCopyParts, path: string, target: NbdClient, hasher: IHasher) {
    this.#parts = parts;
    this.#target = target;
    this.#hasher = hasher;
    this.#sent = Buffer.alloc(digestAt(target.sizeBytes - 1) + digestBytes);
    this.#file = parts.files.openInMemory(path);
  }

  close(): void {
    this.#file.close();
  }

  /** Rounds until little is left of what the guest writes, or as much as before. */
  async runAhead(): Promise<void> {
    let before = Infinity;
    for (let rounds = 0; rounds < limits.memoryRoundsMax; rounds++) {
      const sentBytes = await this.round();
      if (sentBytes <= limits.memoryRestBytes || sentBytes > before / 2) return;
      before = sentBytes;
    }
  }

  /** Sends what has changed; all of it is there when this resolves. Gives how much it was. */
  async round(): Promise<number> {
    const { sizeBytes } = this.#target;
    let sentBytes = 0;
    for (let offset = 0; offset < sizeBytes; offset += limits.memoryPieceBytes) {
      sentBytes += this.#sendChanged(offset);
      await this.#breathe();
    }
    await Promise.all(this.#writes);
    if (this.#fault !== undefined) throw this.#fault;
    return sentBytes;
  }

  /** Others have their turn after each piece, and the other side when too much is under way to it. */
  async #breathe(): Promise<void> {
    await new Promise<void>((resolve) => this.#parts.clock.soon(resolve));
    while (this.#writes.size >= limits.memoryWritesMax) await Promise.race(this.#writes);
    if (this.#fault !== undefined) throw this.#fault;
  }

  /** Blocks of a piece that are beside each other go together. */
  #sendChanged(offset: number): number {
    const lengthBytes = Math.min(limits.memoryPieceBytes, this.#target.sizeBytes - offset);
    const piece = this.#piece.subarray(0, lengthBytes);
    if (this.#file.read(piece, offset) !== lengthBytes)
      throw new Error("the memory of the guest has gone");
    let sentBytes = 0;
    let from = 0;
    const sendUntil = (end: number) => {
      if (end > from) this.#write(offset + from, piece.subarray(from, end));
      sentBytes += end - from;
    };
    for (let at = 0; at < lengthBytes; at += limits.memoryBlockBytes) {
      const block = piece.subarray(at, at + limits.memoryBlockBytes);
      if (this.#isNew(block, offset + at)) continue;
      sendUntil(at);
      from = at + block.length;
    }
    sendUntil(lengthBytes);
    return sentBytes;
  }

  /** Remembers it as sent. */
  #isNew(block: Uint8Array, offset: number): boolean {
    const isZero = zeros.compare(block, 0, block.length, 0, block.length) === 0;
    const digest = isZero ? digestOfZeros : this.#hasher.init().update(block).digest("binary");
    const at = digestAt(offset);
    if (this.#sent.compare(digest, 0, digestBytes, at, at + digestBytes) === 0) return false;
    this.#sent.set(digest, at);
    return true;
  }

  /** Of a copy, as the piece is used again. A fault is told by the round. */
  #write(offset: number, content: Uint8Array): void {
    const write = this.#target.write(offset, Buffer.from(content)).catch((thrown: unknown) => {
      this.#fault ??= thrown;
    });
    const over = write.then(() => void this.#writes.delete(over));
    this.#writes.add(over);
  }
}

type MemoryCopyParts = Pick<Host, "clock"> & { files: Pick<Files, "openInMemory"> };

const digestBytes = 16;
const digestAt = (offset: number) => Math.floor(offset / limits.memoryBlockBytes) * digestBytes;
const zeros = Buffer.alloc(limits.memoryBlockBytes);
const digestOfZeros = Buffer.alloc(digestBytes);
