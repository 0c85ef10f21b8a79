import type { PieceRow } from "./rows.ts";

interface Holder {
  isLost: boolean;
}

/** What is being read. Its bytes stay where they are until that ends, also when nothing refers to them any more. */
export class Readers {
  #files = new Map<number, number>();
  #packs = new Map<number, number>();
  /** Files that go when they are no longer read. */
  #leaving = new Set<number>();
  #onFree: (file: number) => void;
  /** Who holds everything. */
  #holders = new Set<Holder>();
  #onAllFree: () => void;

  /** `onFree` is told of files that were to go, and may now; `onAllFree` when nobody holds everything any more. */
  constructor(onFree: (file: number) => void, onAllFree: () => void = () => {}) {
    this.#onFree = onFree;
    this.#onAllFree = onAllFree;
  }

  /** Holds all that there is, and what comes, until `release` or until it has to be given up. */
  holdAll(): { holder: Readonly<Holder>; release: () => void } {
    const holder = { isLost: false };
    this.#holders.add(holder);
    const release = () => {
      if (this.#holders.delete(holder) && this.#holders.size === 0) this.#onAllFree();
    };
    return { holder, release };
  }

  /** Takes it from all who hold everything: who puts objects cannot wait for who reads all of them. */
  giveUpAll(): void {
    if (this.#holders.size === 0) return;
    for (const holder of this.#holders) holder.isLost = true;
    this.#holders.clear();
    this.#onAllFree();
  }

  /** Whether nothing at all may go now. */
  get isAllHeld(): boolean {
    return this.#holders.size > 0;
  }

  /** Holds pieces as the index has them at this moment. Gives what ends that. */
  hold(pieces: readonly PieceRow[]): () => void {
    for (const { file, pack } of pieces) {
      if (file > 0) this.#files.set(file, (this.#files.get(file) ?? 0) + 1);
      this.#packs.set(pack, (this.#packs.get(pack) ?? 0) + 1);
    }
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      for (const { file, pack } of pieces) {
        less(this.#packs, pack);
        if (file > 0 && less(this.#files, file) && this.#leaving.delete(file)) this.#onFree(file);
      }
    };
  }

  /** Whether a file that is to go must stay: `onFree` or `onAllFree` is told when it may. */
  defers(file: number): boolean {
    if (this.isAllHeld) return true;
    const isRead = this.#files.has(file);
    if (isRead) this.#leaving.add(file);
    return isRead;
  }

  reads(pack: number): boolean {
    return this.isAllHeld || this.#packs.has(pack);
  }
}

/** True when it was the last one. */
function less(counts: Map<number, number>, of: number): boolean {
  const count = counts.get(of)! - 1;
  if (count > 0) counts.set(of, count);
  else counts.delete(of);
  return count === 0;
}
