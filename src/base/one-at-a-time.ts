/** Runs what is asked about one name in the order in which it was asked. What is about other names does not wait. */
export class OneAtATime {
  /** What was asked last about a name; none rejects. */
  #last = new Map<string, Promise<void>>();

  async run<T>(name: string, action: () => Promise<T>): Promise<T> {
    const before = this.#last.get(name);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#last.set(name, promise);
    if (before) await before;
    try {
      return await action();
    } finally {
      resolve();
      if (this.#last.get(name) === promise) this.#last.delete(name);
    }
  }

  /** Resolves when nothing is under way. */
  async settled(): Promise<void> {
    for (const last of this.#last.values()) await last;
  }
}
