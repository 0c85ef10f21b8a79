const keptMax = 400;

interface Noted {
  atMs: number;
  who: string;
  what: string;
}

/** All that happened, as one number that two runs of a seed share, and the last of it in words. */
export class Trace {
  #hash = 0x811c9dc5;
  #kept: Noted[] = [];
  #at = 0;
  #keepsAll: boolean;

  constructor(keepsAll: boolean) {
    this.#keepsAll = keepsAll;
  }

  note(atMs: number, who: string, what: string): void {
    const bits = (atMs * 1000) | 0;
    let hash = Math.imul(this.#hash ^ bits, 0x01000193);
    for (let at = 0; at < what.length; at++)
      hash = Math.imul(hash ^ what.charCodeAt(at), 0x01000193);
    for (let at = 0; at < who.length; at++) hash = Math.imul(hash ^ who.charCodeAt(at), 0x01000193);
    this.#hash = hash;
    const noted = { atMs, who, what };
    if (this.#keepsAll) this.#kept.push(noted);
    else this.#kept[this.#at++ % keptMax] = noted;
  }

  /** Eight hexadecimal digits. */
  get digest(): string {
    return (this.#hash >>> 0).toString(16).padStart(8, "0");
  }

  /** The newest events, one a line, oldest first. */
  last(count: number): string[] {
    const from = this.#keepsAll ? 0 : this.#at % keptMax;
    const inOrder = [...this.#kept.slice(from), ...this.#kept.slice(0, from)];
    return inOrder
      .slice(-count)
      .map(({ atMs, who, what }) => `${(atMs / 1000).toFixed(6).padStart(13)} ${who} ${what}`);
  }
}
