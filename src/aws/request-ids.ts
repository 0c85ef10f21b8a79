import type { Random } from "#/base/random.ts";

const poolBytes = 4096;

/** Names for calls, by which a user's log and ours speak of the same one. */
export class RequestIds {
  #random: Pick<Random, "bytes">;
  #pool: Buffer = Buffer.alloc(0);
  #at = 0;

  constructor(random: Pick<Random, "bytes">) {
    this.#random = random;
  }

  /** As S3 has them: 16 hexadecimal digits. */
  short(): string {
    return this.#take(8).toUpperCase();
  }

  /** As all others have them: a UUID. */
  long(): string {
    const text = this.#take(16);
    return `${text.slice(0, 8)}-${text.slice(8, 12)}-4${text.slice(13, 16)}-a${text.slice(17, 20)}-${text.slice(20)}`;
  }

  #take(count: number): string {
    if (this.#at + count > this.#pool.length) {
      const bytes = this.#random.bytes(poolBytes);
      this.#pool = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      this.#at = 0;
    }
    return this.#pool.toString("hex", this.#at, (this.#at += count));
  }
}
