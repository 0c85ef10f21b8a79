import { fdatasync, mkdirSync, read, readdirSync, write } from "node:fs";
import { open, rm, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { limits } from "#/base/limits.ts";
import { Missing, type BigBytes, type BigReader, type BigWriter } from "../big-bytes.ts";
import { syncFolder } from "./packs.ts";

/** Large objects as files, 4,096 to a folder. */
export class BigFiles implements BigBytes {
  #folder: string;
  #made = new Set<string>();
  #syncs: Syncs;

  constructor(folder: string, sync: (file: number) => Promise<void> = promisify(fdatasync)) {
    this.#folder = folder;
    this.#syncs = new Syncs(sync);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  }

  async create(number: number): Promise<BigWriter> {
    const folder = this.#folderOf(number);
    if (!this.#made.has(folder)) {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      syncFolder(this.#folder);
      this.#made.add(folder);
    }
    const path = this.#path(number);
    const file = await open(path, "wx", 0o600).catch(async (thrown: NodeJS.ErrnoException) => {
      if (thrown.code !== "EEXIST") throw thrown;
      await rm(path); // left over of another process
      return open(path, "wx", 0o600);
    });
    return new FileWriter(file, { path, folder }, this.#syncs);
  }

  async open(number: number): Promise<BigReader> {
    const file = await open(this.#path(number)).catch((thrown: NodeJS.ErrnoException) => {
      throw thrown.code === "ENOENT" ? new Missing("its file is gone") : thrown;
    });
    return {
      async read(at, length, into) {
        const isEnough = into !== undefined && into.byteLength >= length;
        const bytes = isEnough ? into : Buffer.allocUnsafeSlow(length);
        const count = await new Promise<number>((resolve, reject) => {
          read(file.fd, bytes, 0, length, at, (error, got) =>
            error ? reject(error) : resolve(got),
          );
        });
        return bytes.subarray(0, count);
      },
      close: () => file.close(),
    };
  }

  async remove(number: number): Promise<void> {
    await rm(this.#path(number), { force: true });
  }

  async *from(from: number): AsyncGenerator<number> {
    const fromFolder = Math.floor(from / filesInFolder);
    for (const name of readdirSync(this.#folder)) {
      if (Number.parseInt(name, 16) < fromFolder) continue;
      for (const file of readdirSync(join(this.#folder, name))) {
        const number = Number.parseInt(file, 16);
        if (number >= from) yield number;
      }
    }
  }

  close(): void {}

  #folderOf(number: number): string {
    return join(this.#folder, folderName(number));
  }

  #path(number: number): string {
    return join(this.#folder, bigFileName(number));
  }
}

const filesInFolder = 4096;

const folderName = (number: number) => Math.floor(number / filesInFolder).toString(16);

/** From the folder of all. */
export const bigFileName = (number: number) => `${folderName(number)}/${number.toString(16)}`;

/**
 * Syncs files, also while they are still being written: else the disk rests until all came in, and then the client waits for it.
 * That is done for one at a time, so that it takes one thread at most of those that read and write.
 */
class Syncs {
  readonly sync: (file: number) => Promise<void>;
  #isBusy = false;

  constructor(sync: (file: number) => Promise<void>) {
    this.sync = sync;
  }

  /** Undefined where another one is under way. */
  startEarly(file: number): Promise<void> | undefined {
    if (this.#isBusy) return undefined;
    this.#isBusy = true;
    return this.sync(file).finally(() => (this.#isBusy = false));
  }
}

class FileWriter implements BigWriter {
  #file: FileHandle;
  #names: { path: string; folder: string };
  #syncs: Syncs;
  #at = 0;
  #unsyncedBytes = 0;
  /** The early ones; resolves with what went wrong, as the kernel says that once only. */
  #synced: Promise<unknown> = Promise.resolve();

  constructor(file: FileHandle, names: { path: string; folder: string }, syncs: Syncs) {
    this.#file = file;
    this.#names = names;
    this.#syncs = syncs;
  }

  async write(pieces: readonly Uint8Array[]): Promise<void> {
    let at = this.#at;
    this.#at += pieces.reduce((sum, { byteLength }) => sum + byteLength, 0);
    for (const piece of pieces) {
      for (let done = 0; done < piece.byteLength;)
        done += await writeSome(this.#file.fd, piece, done, at + done);
      at += piece.byteLength;
      this.#unsyncedBytes += piece.byteLength;
    }
    if (this.#unsyncedBytes >= limits.objectEarlySyncBytes) this.#syncEarly();
  }

  #syncEarly(): void {
    const syncing = this.#syncs.startEarly(this.#file.fd);
    if (!syncing) return;
    this.#unsyncedBytes = 0;
    const before = this.#synced;
    this.#synced = syncing.then(
      () => before,
      (thrown: unknown) => thrown,
    );
  }

  /** Nothing refers to it before this resolves, so that its final name serves from the beginning. */
  async finish(): Promise<void> {
    try {
      const failure = await this.#synced;
      if (failure) throw failure;
      await this.#syncs.sync(this.#file.fd);
      const folder = await open(this.#names.folder);
      await folder.sync().finally(() => folder.close());
    } finally {
      await this.#file.close();
    }
  }

  async drop(): Promise<void> {
    await this.#synced;
    await this.#file.close();
    await rm(this.#names.path, { force: true });
  }
}

function writeSome(file: number, piece: Uint8Array, from: number, at: number): Promise<number> {
  return new Promise((resolve, reject) => {
    write(file, piece, from, piece.byteLength - from, at, (error, count) =>
      error ? reject(error) : resolve(count),
    );
  });
}
