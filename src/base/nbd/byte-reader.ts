/** Reads so many bytes at a time of what comes in pieces of any size. Throws when they end before. */
export class ByteReader {
  #incoming: AsyncIterator<Uint8Array>;
  #rest: Uint8Array = Buffer.alloc(0);

  constructor(incoming: AsyncIterator<Uint8Array>) {
    this.#incoming = incoming;
  }

  /** The next bytes. */
  async take(lengthBytes: number): Promise<Buffer> {
    const taken = Buffer.allocUnsafe(lengthBytes);
    await this.fill(taken);
    return taken;
  }

  /** Fills `into` with the next bytes. */
  async fill(into: Buffer): Promise<void> {
    for (let at = 0; at < into.length;) {
      if (this.#rest.length === 0) {
        const piece = await this.#incoming.next();
        if (piece.done) throw new Error("the connection has ended");
        this.#rest = piece.value;
      }
      const part = this.#rest.subarray(0, into.length - at);
      into.set(part, at);
      at += part.length;
      this.#rest = this.#rest.subarray(part.length);
    }
  }
}
