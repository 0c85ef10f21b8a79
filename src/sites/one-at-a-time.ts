/** Runs what is asked about one name in the order in which it was asked. What is about other names does not wait. */
export class OneAtATime {
  #last = new Map<string, Promise<unknown>>();

  async run<T>(name: string, action: () => Promise<T>): Promise<T> {
    const before = this.#last.get(name);
    const mine = (before ?? Promise.resolve()).then(action, action);
    this.#last.set(name, mine);
    try {
      return await mine;
    } finally {
      if (this.#last.get(name) === mine) this.#last.delete(name);
    }
  }
}
