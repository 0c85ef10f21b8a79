/** Lets one at a time work on a name, in the order in which they come. */
export class Turns {
  #last = new Map<string, Promise<void>>();

  async of<T>(name: string, work: () => Promise<T>): Promise<T> {
    const before = this.#last.get(name);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#last.set(name, promise);
    if (before) await before;
    try {
      return await work();
    } finally {
      resolve();
      if (this.#last.get(name) === promise) this.#last.delete(name);
    }
  }
}
