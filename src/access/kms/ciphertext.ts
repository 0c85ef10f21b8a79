import { createCipheriv, createDecipheriv } from "node:crypto";
import type { Random } from "#/base/random.ts";

/**
 * What Encrypt answers: who opens it again is in it, so that Decrypt needs no key's name.
 *
 *     byte 0      the format: 1
 *     1 … 16      the key's id
 *     17 … 20     which of its materials, from 0
 *     21 … 32     nonce
 *     33 … 48     tag of AES-256-GCM (NIST SP 800-38D)
 *     49 …        the plain text, encrypted
 *
 * All before the nonce, and the encryption context, are authenticated too.
 */
const format = 1;
const headBytes = 21;
const nonceBytes = 12;
const tagBytes = 16;
const contentAt = headBytes + nonceBytes + tagBytes;

export type EncryptionContext = Readonly<Record<string, string>>;

export function encryptWith(
  material: Uint8Array,
  about: { keyId: string; number: number; context: EncryptionContext },
  plain: Uint8Array,
  random: Pick<Random, "bytes">,
): Uint8Array {
  const head = Buffer.alloc(headBytes);
  head[0] = format;
  Buffer.from(about.keyId.replaceAll("-", ""), "hex").copy(head, 1);
  head.writeUInt32BE(about.number, 17);
  const nonce = random.bytes(nonceBytes);
  const cipher = createCipheriv("aes-256-gcm", material, nonce);
  cipher.setAAD(authenticated(head, about.context));
  const content = Buffer.concat([cipher.update(plain), cipher.final()]);
  return Buffer.concat([head, nonce, cipher.getAuthTag(), content]);
}

/** Which key a cipher text names; undefined for what is none. */
export function keyOfCiphertext(blob: Uint8Array): { keyId: string; number: number } | undefined {
  if (blob.length < contentAt || blob[0] !== format) return undefined;
  const bytes = Buffer.from(blob.buffer, blob.byteOffset, blob.byteLength);
  const hex = bytes.toString("hex", 1, 17);
  const keyId = hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
  return { keyId, number: bytes.readUInt32BE(17) };
}

/** Undefined where it is not what was encrypted with this material and this context. */
export function decryptWith(
  material: Uint8Array,
  blob: Uint8Array,
  context: EncryptionContext,
): Uint8Array | undefined {
  const decipher = createDecipheriv(
    "aes-256-gcm",
    material,
    blob.subarray(headBytes, headBytes + nonceBytes),
  );
  decipher.setAAD(authenticated(blob.subarray(0, headBytes), context));
  decipher.setAuthTag(blob.subarray(headBytes + nonceBytes, contentAt));
  try {
    return Buffer.concat([decipher.update(blob.subarray(contentAt)), decipher.final()]);
  } catch {
    return undefined;
  }
}

function authenticated(head: Uint8Array, context: EncryptionContext): Uint8Array {
  const pairs = Object.entries(context).sort(([a], [b]) => (a < b ? -1 : 1));
  return Buffer.concat([head, Buffer.from(JSON.stringify(pairs))]);
}
