/** First in, first out, with a way back to the front. Taking one costs the same however many wait. */
export class Queue<T> {
  #items: T[] = [];
  #at = 0;

  get size(): number {
    return this.#items.length - this.#at;
  }

  get first(): T | undefined {
    return this.#items[this.#at];
  }

  push(item: T): void {
    this.#items.push(item);
  }

  /** Puts one before all others. */
  unshift(item: T): void {
    if (this.#at > 0) this.#items[--this.#at] = item;
    else this.#items.unshift(item);
  }

  shift(): T | undefined {
    if (this.size === 0) return undefined;
    const item = this.#items[this.#at]!;
    this.#items[this.#at++] = undefined as T;
    if (this.#at === this.#items.length) {
      this.#items = [];
      this.#at = 0;
    } else if (this.#at > 1024 && this.#at * 2 > this.#items.length) {
      this.#items.splice(0, this.#at);
      this.#at = 0;
    }
    return item;
  }

  /** True when it was there. */
  remove(item: T): boolean {
    const place = this.#items.indexOf(item, this.#at);
    if (place < 0) return false;
    this.#items.splice(place, 1);
    return true;
  }

  /** All of them; it is then empty. */
  drain(): T[] {
    const items = this.#items.slice(this.#at);
    this.#items = [];
    this.#at = 0;
    return items;
  }
}
