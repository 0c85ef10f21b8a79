/** Wakes one waiter; a ring while nobody waits is kept for the next. */
export class Bell {
  #rung = false;
  #waiter: (() => void) | undefined;

  ring(): void {
    const waiter = this.#waiter;
    this.#waiter = undefined;
    if (waiter) waiter();
    else this.#rung = true;
  }

  /** Resolves at the next ring, or at once when it has rung since the last wait. */
  wait(): Promise<void> {
    if (this.#rung) {
      this.#rung = false;
      return Promise.resolve();
    }
    return new Promise((resolve) => (this.#waiter = resolve));
  }
}
