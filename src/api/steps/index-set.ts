import { CanopyError } from "#/base/errors.ts";

const bitsPerWord = 32;

/** A set of indexes from 0 on: one bit each, as far as the largest. */
export class IndexSet {
  #words = new Uint32Array(64);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  has(index: number): boolean {
    const word = this.#words[Math.floor(index / bitsPerWord)];
    return word !== undefined && (word & (1 << (index % bitsPerWord))) !== 0;
  }

  /** False when it was there already. */
  add(index: number): boolean {
    if (this.has(index)) return false;
    const at = Math.floor(index / bitsPerWord);
    if (at >= this.#words.length) {
      const larger = new Uint32Array(Math.max(at + 1, this.#words.length * 2));
      larger.set(this.#words);
      this.#words = larger;
    }
    this.#words[at]! |= 1 << (index % bitsPerWord);
    this.#size += 1;
    return true;
  }

  delete(index: number): void {
    if (!this.has(index)) return;
    this.#words[Math.floor(index / bitsPerWord)]! &= ~(1 << (index % bitsPerWord));
    this.#size -= 1;
  }
}

/**
 * Reads "0-511,513": those below `end`, which bounds the work whatever was asked. Throws "invalid" for
 * what is no list of ranges.
 */
export function parseHave(text: string, end: number): IndexSet {
  const set = new IndexSet();
  if (text === "") return set;
  let before = -1;
  for (const part of text.split(",")) {
    const match = /^(\d{1,9})(?:-(\d{1,9}))?$/.exec(part);
    const first = Number(match?.[1]);
    const last = Number(match?.[2] ?? match?.[1]);
    if (!match || last < first) {
      throw new CanopyError(
        "invalid",
        `Cannot read 'have' as it must be ranges such as '0-511,513': current value has '${part.slice(0, 40)}'`,
      );
    }
    if (first <= before) {
      throw new CanopyError(
        "invalid",
        `Cannot read 'have' as its ranges must go up: current value has '${part}' after ${before}`,
      );
    }
    before = last;
    for (let index = first; index <= last && index < end; index++) set.add(index);
  }
  return set;
}
