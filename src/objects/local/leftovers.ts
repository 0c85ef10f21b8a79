import type { BigBytes } from "../big-bytes.ts";
import type { Catalog } from "./catalog.ts";
import type { Readers } from "./readers.ts";

/** Numbers of large objects that are being written, and that nothing refers to yet. */
export class UnderWay {
  #numbers = new Set<number>();

  add(number: number): void {
    this.#numbers.add(number);
  }

  delete(number: number): void {
    this.#numbers.delete(number);
  }

  has(number: number): boolean {
    return this.#numbers.has(number);
  }

  get first(): number | undefined {
    let first: number | undefined;
    for (const number of this.#numbers) first = Math.min(number, first ?? number);
    return first;
  }
}

/**
 * Removes the bytes of large objects that nothing refers to: of those that are gone and that nobody reads any more, and of what was
 * being written when an earlier process ended.
 */
export class Leftovers {
  #catalog: Catalog;
  #big: BigBytes;
  #underWay: UnderWay;
  #readers: Readers;
  /** Whether what earlier processes left is gone. */
  #isDone = false;

  constructor(parts: { catalog: Catalog; big: BigBytes; underWay: UnderWay; readers: Readers }) {
    this.#catalog = parts.catalog;
    this.#big = parts.big;
    this.#underWay = parts.underWay;
    this.#readers = parts.readers;
  }

  /** May be called again when it failed. */
  async remove(): Promise<void> {
    for (const number of this.#catalog.files.trash()) await this.removeOne(number);
    if (this.#isDone || this.#readers.isAllHeld) return;
    for await (const number of this.#big.from(this.#catalog.settled)) {
      // What is held and was removed since looks like a leftover: who lets it go has this called again.
      if (this.#readers.isAllHeld) return;
      if (this.#underWay.has(number) || this.#catalog.files.isReferred(number)) continue;
      if (!this.#readers.defers(number)) await this.#big.remove(number);
    }
    this.#isDone = true;
    this.#catalog.startSettling();
  }

  async removeOne(number: number): Promise<void> {
    if (this.#readers.defers(number)) return;
    await this.#big.remove(number);
    this.#catalog.files.cleared(number);
  }
}
