import { limits } from "#/base/limits.ts";

/**
 * Memory that threads see too, for large objects on their way. Each may have one block at any time, so that slow clients
 * hold up nobody; more than that come from what all share.
 */
export class Blocks {
  #free: SharedArrayBuffer[] = [];
  #lent = 0;

  /** Undefined for one that is not needed, when all are in use. */
  take(isNeeded: boolean): SharedArrayBuffer | undefined {
    if (!isNeeded && this.#lent >= limits.objectBlocksMax) return undefined;
    this.#lent++;
    return this.#free.pop() ?? new SharedArrayBuffer(limits.objectBlockBytes);
  }

  give(block: SharedArrayBuffer): void {
    this.#lent--;
    if (this.#free.length < limits.objectBlocksKept) this.#free.push(block);
  }
}
