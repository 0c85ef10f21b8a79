const lengthMin = 16;

/**
 * Task indexes in a row, open at both ends: 4 bytes each, at most twice that while it grows. A
 * million waiting tasks are one array and no objects.
 */
export class Ring {
  #slots = new Uint32Array(lengthMin);
  #head = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(index: number): void {
    if (this.#length === this.#slots.length) this.#resize(this.#length * 2);
    this.#slots[(this.#head + this.#length) & (this.#slots.length - 1)] = index;
    this.#length++;
  }

  unshift(index: number): void {
    if (this.#length === this.#slots.length) this.#resize(this.#length * 2);
    this.#head = (this.#head - 1) & (this.#slots.length - 1);
    this.#slots[this.#head] = index;
    this.#length++;
  }

  shift(): number | undefined {
    if (this.#length === 0) return undefined;
    const index = this.#slots[this.#head]!;
    this.#head = (this.#head + 1) & (this.#slots.length - 1);
    this.#length--;
    // gives memory back as it drains, seldom enough to cost nothing a task
    if (this.#slots.length > lengthMin && this.#length * 4 < this.#slots.length) {
      this.#resize(this.#slots.length / 2);
    }
    return index;
  }

  /** Moves all of `other` behind what is here. */
  take(other: Ring): void {
    for (let index = other.shift(); index !== undefined; index = other.shift()) this.push(index);
  }

  #resize(capacity: number): void {
    const slots = new Uint32Array(capacity);
    const { length } = this.#slots;
    const first = Math.min(this.#length, length - this.#head);
    slots.set(this.#slots.subarray(this.#head, this.#head + first));
    slots.set(this.#slots.subarray(0, this.#length - first), first);
    this.#slots = slots;
    this.#head = 0;
  }
}
