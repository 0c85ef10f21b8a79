import { createCipheriv, createDecipheriv, hkdfSync } from "node:crypto";
import { CanopyError } from "#/base/errors.ts";
import type { Random } from "#/base/random.ts";

const saltBytes = 32;
const tagBytes = 16;
const pieceBytesMax = 1024 * 1024;

/**
 * A stream sealed in pieces with AES-256-GCM (NIST SP 800-38D), under a key that HKDF-SHA-256 (RFC 5869) derives of `key` and a salt
 * of its own, so that a nonce is never used twice: it is the number of the piece. The last piece is sealed as such, so that one that
 * was cut off is told from a whole one. It begins with the salt; a piece is its length, its ciphertext and its tag.
 */
export async function* sealed(
  plain: AsyncIterable<Uint8Array>,
  key: string,
  random: Pick<Random, "bytes">,
): AsyncGenerator<Uint8Array> {
  const salt = random.bytes(saltBytes);
  const own = keyOf(key, salt);
  yield salt;
  let number = 0;
  const seal = (piece: Uint8Array, isLast: boolean): Buffer => {
    const cipher = createCipheriv("aes-256-gcm", own, nonceOf(number++, isLast));
    const text = Buffer.concat([cipher.update(piece), cipher.final(), cipher.getAuthTag()]);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(text.length);
    return Buffer.concat([length, text]);
  };
  for await (const content of plain)
    for (let from = 0; from < content.length; from += pieceBytesMax)
      yield seal(content.subarray(from, from + pieceBytesMax), false);
  yield seal(new Uint8Array(0), true);
}

/** What was sealed. Throws CanopyError "damaged" where it is not whole, or another key has sealed it. */
export async function* unsealed(
  content: AsyncIterable<Uint8Array>,
  key: string,
): AsyncGenerator<Uint8Array> {
  const reader = new Reader(content);
  const own = keyOf(key, await reader.take(saltBytes));
  for (let number = 0; ; number++) {
    const length = (await reader.take(4)).readUInt32BE();
    if (length < tagBytes || length > pieceBytesMax + tagBytes) throw damaged();
    const isLast = length === tagBytes;
    yield open(await reader.take(length), own, nonceOf(number, isLast));
    if (isLast) return;
  }
}

function open(text: Buffer, key: Buffer, nonce: Buffer): Buffer {
  const decipher = createDecipheriv("aes-256-gcm", key, nonce, { authTagLength: tagBytes });
  decipher.setAuthTag(text.subarray(-tagBytes));
  try {
    return Buffer.concat([decipher.update(text.subarray(0, -tagBytes)), decipher.final()]);
  } catch {
    throw damaged();
  }
}

/** Takes so many bytes at a time of what comes in pieces of any length. */
class Reader {
  #pieces: AsyncIterator<Uint8Array>;
  #rest = Buffer.alloc(0);

  constructor(content: AsyncIterable<Uint8Array>) {
    this.#pieces = content[Symbol.asyncIterator]();
  }

  async take(length: number): Promise<Buffer> {
    const parts = [this.#rest];
    let bytes = this.#rest.length;
    while (bytes < length) {
      const { done = false, value } = await this.#pieces.next();
      if (done || value === undefined) throw damaged();
      parts.push(Buffer.from(value));
      bytes += value.length;
    }
    const all = Buffer.concat(parts);
    this.#rest = all.subarray(length);
    return all.subarray(0, length);
  }
}

const keyOf = (key: string, salt: Uint8Array): Buffer =>
  Buffer.from(hkdfSync("sha256", Buffer.from(key, "base64"), salt, "canopy guest memory", 32));

function nonceOf(number: number, isLast: boolean): Buffer {
  const nonce = Buffer.alloc(12);
  nonce.writeUInt32BE(isLast ? 1 : 0);
  nonce.writeBigUInt64BE(BigInt(number), 4);
  return nonce;
}

const damaged = () =>
  new CanopyError("damaged", "Cannot use the memory that was kept: it is not whole, or not ours");
