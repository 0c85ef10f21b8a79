/** A process from its start to its end. What it has planned does not happen after that, nor while it is paused. */
export class Life {
  readonly name: string;
  isOver = false;
  /** Of the world's time. */
  pausedUntilMs = 0;
  #onEnd = new Set<() => void>();

  constructor(name: string) {
    this.name = name;
  }

  /** Gives what calls it off. */
  onEnd(action: () => void): () => void {
    this.#onEnd.add(action);
    return () => void this.#onEnd.delete(action);
  }

  /** Ends it without a word, as kill -9 does. */
  end(): void {
    if (this.isOver) return;
    this.isOver = true;
    for (const action of this.#onEnd) action();
  }
}
