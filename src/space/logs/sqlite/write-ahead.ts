import { closeSync, fdatasync, fdatasyncSync, fstatSync, openSync, writeSync } from "node:fs";
import { promisify } from "node:util";
import { limits } from "#/base/limits.ts";

const syncAside = promisify(fdatasync);

/**
 * SQLite's write-ahead log, to be synced. A file that grows has its new size written to the journal of
 * the file system by each sync, which takes half as long again; so it is made longer ahead of what
 * SQLite writes, with zeros, where a recovery stops as they are no frames. SQLite begins the file anew
 * after a checkpoint and leaves its size, so this happens a few times and never again.
 */
export class WriteAhead {
  #descriptor: number;
  #growBytes: number;
  /** Up to here zeros were written ahead; SQLite may be anywhere below. */
  #aheadBytes = 0;

  /** Opens the log of a database file, which SQLite has made. */
  constructor(database: string, growBytes: number = limits.writeAheadGrowBytes) {
    this.#growBytes = growBytes;
    this.#descriptor = openSync(`${database}-wal`, "r+");
  }

  /** On disk when this returns: for a few changes, as the way to a thread and back is long. */
  sync(): void {
    this.#growAhead();
    fdatasyncSync(this.#descriptor);
  }

  /** On disk when this resolves; meanwhile more may gather. SQLite must not write before that. */
  syncAside(): Promise<void> {
    return syncAside(this.#descriptor);
  }

  close(): void {
    closeSync(this.#descriptor);
  }

  #growAhead(): void {
    const { size } = fstatSync(this.#descriptor);
    if (size <= this.#aheadBytes) return;
    this.#aheadBytes = size + this.#growBytes;
    try {
      writeSync(this.#descriptor, Buffer.alloc(this.#growBytes), 0, undefined, size);
    } catch {
      // No space for it: SQLite says so by itself when it comes to that.
    }
  }
}
