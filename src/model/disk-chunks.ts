import { createCipheriv, createDecipheriv, createHash, createHmac, hkdfSync } from "node:crypto";
import { promisify } from "node:util";
import { constants, zstdCompress, zstdDecompress } from "node:zlib";
import { CanopyError, messageOf } from "#/base/errors.ts";
import type { DiskManifest } from "./volume.ts";

/** Of every manifest that is made here. */
export const diskChunkBytes = 4 * 1024 * 1024;

const compress = promisify(zstdCompress);
const decompress = promisify(zstdDecompress);
const level = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };

/**
 * Chunks of a disk as blobs: zstd, and of an encrypted volume sealed on top of that, so that neither the object store nor a
 * cache of blobs has them in the clear. Sealing is AES-256-GCM (NIST SP 800-38D) with two keys that HKDF-SHA-256 (RFC 5869)
 * derives of the volume's: one seals, one makes the nonce, which is the first 96 bits of HMAC-SHA-256 over what is sealed.
 * So equal chunks under one key are equal when sealed, and are kept once; whoever sees blobs of one volume sees which of its
 * chunks are equal, and no more. Under two keys nothing is equal. A sealed chunk is nonce, ciphertext, tag.
 */
export class ChunkCodec {
  #keys: { seal: Buffer; nonce: Buffer; digest: Buffer } | undefined;

  /** `key`: of the volume, base64; absent for one in the clear. */
  constructor(key: string | undefined) {
    if (key === undefined) return;
    const own = Buffer.from(key, "base64");
    const derive = (use: string) =>
      Buffer.from(hkdfSync("sha256", own, "", `canopy disk chunk ${use}`, 32));
    this.#keys = { seal: derive("seal"), nonce: derive("nonce"), digest: derive("digest") };
  }

  /** Of what a chunk holds, to be compared under the same key only: SHA-256, of a sealed one HMAC-SHA-256. */
  digest(content: Uint8Array): string {
    const hash = this.#keys ? createHmac("sha256", this.#keys.digest) : createHash("sha256");
    return hash.update(content).digest("hex");
  }

  /** The blob of a chunk, and its key. */
  async encode(content: Uint8Array): Promise<{ key: string; blob: Buffer }> {
    const packed = await compress(content, level);
    const blob = this.#keys ? seal(packed, this.#keys) : packed;
    return { key: createHash("sha256").update(blob).digest("hex"), blob };
  }

  /** What a blob is a chunk of. Throws CanopyError "damaged" when it is not that blob, or not so long. */
  async decode(blob: Uint8Array, key: string, lengthBytes: number): Promise<Buffer> {
    if (createHash("sha256").update(blob).digest("hex") !== key)
      throw damaged(key, "its bytes are others than its name says");
    try {
      const packed = this.#keys ? unseal(blob, this.#keys) : blob;
      const content = await decompress(packed, { maxOutputLength: lengthBytes });
      if (content.length === lengthBytes) return content;
    } catch (thrown) {
      throw damaged(key, messageOf(thrown));
    }
    throw damaged(key, `it must have ${lengthBytes} bytes`);
  }
}

function seal(packed: Buffer, keys: { seal: Buffer; nonce: Buffer }): Buffer {
  const nonce = createHmac("sha256", keys.nonce).update(packed).digest().subarray(0, nonceBytes);
  const cipher = createCipheriv("aes-256-gcm", keys.seal, nonce);
  return Buffer.concat([nonce, cipher.update(packed), cipher.final(), cipher.getAuthTag()]);
}

function unseal(blob: Uint8Array, keys: { seal: Buffer }): Buffer {
  const decipher = createDecipheriv("aes-256-gcm", keys.seal, blob.subarray(0, nonceBytes), {
    authTagLength: tagBytes,
  });
  decipher.setAuthTag(blob.subarray(-tagBytes));
  return Buffer.concat([decipher.update(blob.subarray(nonceBytes, -tagBytes)), decipher.final()]);
}

const nonceBytes = 12;
const tagBytes = 16;

const damaged = (key: string, why: string) =>
  new CanopyError("damaged", `Cannot use the chunk ${key} of a disk: ${why}`);

/** What a blob says a disk holds. Throws CanopyError "damaged" for what is no such list. */
export function readManifest(content: Uint8Array): DiskManifest {
  const no = (why: string) =>
    new CanopyError("damaged", `Cannot use the list of a disk's chunks: ${why}`);
  let manifest: Partial<DiskManifest>;
  try {
    manifest = JSON.parse(Buffer.from(content).toString("utf8")) as typeof manifest;
  } catch (thrown) {
    throw no(messageOf(thrown));
  }
  const { sizeBytes, chunkBytes, chunks, digests, isSealed } = manifest ?? {};
  if (!isCount(sizeBytes) || sizeBytes % 512 !== 0) throw no("it does not say how large that is");
  if (!isCount(chunkBytes) || chunkBytes > chunkBytesMax || chunkBytes % 512 !== 0)
    throw no("it does not say how large a chunk is");
  if (!Array.isArray(chunks) || chunks.length !== Math.ceil(sizeBytes / chunkBytes))
    throw no(`it must name ${Math.ceil(sizeBytes / chunkBytes)} chunks`);
  for (const chunk of chunks as unknown[])
    if (chunk !== null && !(typeof chunk === "string" && /^[0-9a-f]{64}$/.test(chunk)))
      throw no("what it names are no chunks");
  const hasDigests = Array.isArray(digests) && digests.length === chunks.length;
  return {
    sizeBytes,
    chunkBytes,
    chunks: chunks as DiskManifest["chunks"],
    ...(hasDigests && { digests: digests as NonNullable<DiskManifest["digests"]> }),
    ...(isSealed && { isSealed }),
  };
}

const isCount = (value: unknown): value is number =>
  Number.isSafeInteger(value) && (value as number) > 0;

/** What one request of NBD carries. */
const chunkBytesMax = 32 * 1024 * 1024;

/** How long that chunk of a disk is: the last may be shorter. */
export const chunkLengthBytes = (
  { sizeBytes, chunkBytes }: Pick<DiskManifest, "sizeBytes" | "chunkBytes">,
  number: number,
): number => Math.min(chunkBytes, sizeBytes - number * chunkBytes);
