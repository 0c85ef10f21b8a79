import {
  closeSync,
  constants,
  fsyncSync,
  mkdirSync,
  openSync,
  read,
  readdirSync,
  readSync,
} from "node:fs";
import { open, rm, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { limits } from "#/base/limits.ts";

/** The packs of a store: files to which records are added, and that are read anywhere. */
export class Packs {
  readonly folder: string;
  /** Open for reading, the one used longest ago first. */
  #open = new Map<number, Reader>();
  /** The one used last: most reads are of it. */
  #newest: { pack: number; reader: Reader } | undefined;
  #block: Buffer = Buffer.alloc(0);
  #blockAt = 0;
  /** On their way out. */
  #leaving = new Set<number>();
  /** Reads go beside this thread for so many more, as the disk was slow. */
  #slowReads = 0;

  constructor(folder: string) {
    this.folder = folder;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  }

  /** Numbers of those that are there, oldest first. */
  list(): number[] {
    return readdirSync(this.folder)
      .filter((name) => name.endsWith(".pack"))
      .map((name) => Number.parseInt(name, 10))
      .filter((pack) => !this.#leaving.has(pack))
      .toSorted((a, b) => a - b);
  }

  path(pack: number): string {
    return join(this.folder, packName(pack));
  }

  /** Opens a pack to add to it: what is written is on disk. The name of a new one too. */
  async appendTo(pack: number): Promise<FileHandle> {
    const { O_CREAT, O_WRONLY, O_DSYNC } = constants;
    const file = await open(this.path(pack), O_CREAT | O_WRONLY | O_DSYNC, 0o600);
    syncFolder(this.folder);
    return file;
  }

  /**
   * The bytes of a payload. What the page cache holds is read at once, which costs a fifth of the way to a thread and back;
   * when the disk shows itself slow, the next ones are read on a thread.
   */
  read(pack: number, at: number, length: number): Buffer | Promise<Buffer> {
    const reader = this.#reader(pack);
    const bytes = this.#memory(length);
    if (this.#slowReads > 0) {
      this.#slowReads--;
      return readAside(reader, bytes, at);
    }
    const begin = performance.now();
    const count = readSync(reader.file, bytes, 0, length, at);
    if (performance.now() - begin > limits.packReadSlowMs) this.#slowReads = limits.packReadsAside;
    return bytes.subarray(0, count);
  }

  /** Small payloads share a block: to make memory for each, and to collect it, costs more than to read into it. */
  #memory(length: number): Buffer {
    if (length > limits.packSharedReadBytesMax) return Buffer.allocUnsafeSlow(length);
    if (this.#blockAt + length > this.#block.byteLength) {
      this.#block = Buffer.allocUnsafeSlow(limits.packReadBlockBytes);
      this.#blockAt = 0;
    }
    return this.#block.subarray(this.#blockAt, (this.#blockAt += length));
  }

  #reader(pack: number): Reader {
    if (this.#newest?.pack === pack) return this.#newest.reader;
    let reader = this.#open.get(pack);
    if (reader === undefined) {
      reader = { file: openSync(this.path(pack), "r"), users: 0, isOver: false };
      if (this.#open.size >= limits.packsOpenMax) this.#close(this.#open.keys().next().value!);
    } else this.#open.delete(pack);
    this.#open.set(pack, reader);
    this.#newest = { pack, reader };
    return reader;
  }

  #close(pack: number): void {
    const reader = this.#open.get(pack);
    if (!reader) return;
    this.#open.delete(pack);
    if (this.#newest?.reader === reader) this.#newest = undefined;
    reader.isOver = true;
    if (reader.users === 0) closeSync(reader.file);
  }

  async remove(pack: number): Promise<void> {
    this.#close(pack);
    this.#leaving.add(pack);
    try {
      await rm(this.path(pack), { force: true });
    } finally {
      this.#leaving.delete(pack);
    }
  }

  close(): void {
    for (const pack of this.#open.keys()) this.#close(pack);
  }
}

export const packName = (pack: number) => `${String(pack).padStart(10, "0")}.pack`;

interface Reader {
  file: number;
  /** Reads under way on threads: the last one closes what is over. */
  users: number;
  isOver: boolean;
}

function readAside(reader: Reader, bytes: Buffer, at: number): Promise<Buffer> {
  reader.users++;
  return new Promise((resolve, reject) => {
    read(reader.file, bytes, 0, bytes.byteLength, at, (error, count) => {
      reader.users--;
      if (reader.isOver && reader.users === 0) closeSync(reader.file);
      if (error) reject(error);
      else resolve(bytes.subarray(0, count));
    });
  });
}

export function syncFolder(folder: string): void {
  const handle = openSync(folder, "r");
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
