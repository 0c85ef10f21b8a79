/** What several steps have in common, for as long as one of them has it. */
export class Shared<T> {
  #entries = new Map<string, { value: T; users: number }>();

  /** One more has it: made by the first. */
  enter(key: string, make: () => T): T {
    let entry = this.#entries.get(key);
    if (!entry) this.#entries.set(key, (entry = { value: make(), users: 0 }));
    entry.users++;
    return entry.value;
  }

  /** True when that was the last one. */
  leave(key: string): boolean {
    const entry = this.#entries.get(key)!;
    return --entry.users === 0 && this.#entries.delete(key);
  }
}
