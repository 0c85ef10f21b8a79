import { createHash, hash, type Hash } from "node:crypto";
import { crc32 } from "node:zlib";
import type { IHasher } from "hash-wasm";
import type { ChecksumAlgorithm } from "../object-version.ts";

/** A checksum that takes bytes as they come. */
export interface Checksummer {
  update(bytes: Uint8Array): void;
  /** In base64, as S3 writes it. */
  finish(): string;
}

/** MD5 in hexadecimal, of bytes that are all there. */
export const md5Of = (bytes: Uint8Array): string => hash("md5", bytes);

/** Starts a checksum. The CRCs that Node does not have come in WebAssembly, loaded when first asked for. */
export async function checksummer(algorithm: ChecksumAlgorithm): Promise<Checksummer> {
  switch (algorithm) {
    case "CRC32": {
      let value = 0;
      return {
        update: (bytes) => void (value = crc32(bytes, value)),
        finish: () => crc32Text(value),
      };
    }
    case "SHA1":
      return ofHash(createHash("sha1"));
    case "SHA256":
      return ofHash(createHash("sha256"));
    case "CRC32C":
    case "CRC64NVME":
      return ofHasher(await wasmHasher(algorithm));
  }
}

/** The checksum of bytes that are all there. */
export function checksumOf(
  algorithm: ChecksumAlgorithm,
  bytes: Uint8Array,
): string | Promise<string> {
  switch (algorithm) {
    case "CRC32":
      return crc32Text(crc32(bytes));
    case "SHA1":
      return hash("sha1", bytes, "base64");
    case "SHA256":
      return hash("sha256", bytes, "base64");
    case "CRC32C":
    case "CRC64NVME": {
      const ready = shared.get(algorithm);
      if (ready) return wholeOf(ready, bytes);
      return wasmHasher(algorithm).then((made) => {
        shared.set(algorithm, made);
        return wholeOf(made, bytes);
      });
    }
  }
}

/** For bytes that are all there one instance does: nothing else runs between its beginning and its end. */
const shared = new Map<ChecksumAlgorithm, IHasher>();

function wholeOf(hasher: IHasher, bytes: Uint8Array): string {
  return Buffer.from(hasher.init().update(bytes).digest("binary")).toString("base64");
}

async function wasmHasher(algorithm: "CRC32C" | "CRC64NVME"): Promise<IHasher> {
  const { createCRC32, createCRC64 } = await import("hash-wasm");
  return algorithm === "CRC32C" ? createCRC32(0x82_f6_3b_78) : createCRC64("9a6c9329ac4bc9b5");
}

function ofHash(hashing: Hash): Checksummer {
  return {
    update: (bytes) => void hashing.update(bytes),
    finish: () => hashing.digest("base64"),
  };
}

function ofHasher(hasher: IHasher): Checksummer {
  hasher.init();
  return {
    update: (bytes) => void hasher.update(bytes),
    finish: () => Buffer.from(hasher.digest("binary")).toString("base64"),
  };
}

/** In base64, as S3 writes it. */
export function crc32Text(value: number): string {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32BE(value);
  return bytes.toString("base64");
}
