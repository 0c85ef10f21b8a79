import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import { CanopyError } from "#/base/errors.ts";

/** A checksum that grows with what it is told. */
export interface Checksum {
  update(piece: Uint8Array): void;
  /** In base64, as S3's headers have it. */
  digest(): string;
}

export class Crc32 implements Checksum {
  #value = 0;

  update(piece: Uint8Array): void {
    this.#value = crc32(piece, this.#value);
  }

  digest(): string {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(this.#value);
    return bytes.toString("base64");
  }
}

export function crc32Of(content: Uint8Array): string {
  const checksum = new Crc32();
  checksum.update(content);
  return checksum.digest();
}

const hashed = (name: string) => async (): Promise<Checksum> => {
  const hash = createHash(name);
  return { update: (piece) => void hash.update(piece), digest: () => hash.digest("base64") };
};

/** Polynomials are those of https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html, their bits reversed. */
const known: [header: string, make: () => Promise<Checksum>][] = [
  [
    "x-amz-checksum-crc64nvme",
    async () => {
      const { createCRC64 } = await import("hash-wasm");
      return ofHasher(await createCRC64("9a6c9329ac4bc9b5"));
    },
  ],
  ["x-amz-checksum-sha256", hashed("sha256")],
  ["x-amz-checksum-sha1", hashed("sha1")],
  [
    "x-amz-checksum-crc32c",
    async () => {
      const { createCRC32 } = await import("hash-wasm");
      return ofHasher(await createCRC32(0x82f63b78));
    },
  ],
  ["x-amz-checksum-crc32", async () => new Crc32()],
];

function ofHasher(hasher: {
  init(): unknown;
  update(piece: Uint8Array): unknown;
  digest(): string;
}): Checksum {
  hasher.init();
  return {
    update: (piece) => void hasher.update(piece),
    digest: () => Buffer.from(hasher.digest(), "hex").toString("base64"),
  };
}

/** What compares an object's bytes with the checksum, or the MD5, that the store gave; undefined where it gave none of the whole. */
export async function verifierOf(
  headers: Readonly<Record<string, string>>,
  etag: string,
): Promise<{ update(piece: Uint8Array): void; verify(): void } | undefined> {
  for (const [header, make] of known) {
    const wanted = headers[header];
    // "-N" is a checksum of the parts' checksums.
    if (wanted === undefined || wanted.includes("-")) continue;
    const checksum = await make();
    return verifying(checksum, wanted, header.slice("x-amz-checksum-".length).toUpperCase());
  }
  if (!/^[0-9a-f]{32}$/.test(etag) || isSealed(headers)) return undefined;
  return verifying(await hashed("md5")(), Buffer.from(etag, "hex").toString("base64"), "MD5");
}

/** The ETag of an object that the store encrypts with keys of its own is not its MD5. */
function isSealed(headers: Readonly<Record<string, string>>): boolean {
  const mode = headers["x-amz-server-side-encryption"] ?? "AES256";
  return mode !== "AES256" || "x-amz-server-side-encryption-customer-algorithm" in headers;
}

function verifying(checksum: Checksum, wanted: string, name: string) {
  return {
    update: (piece: Uint8Array) => checksum.update(piece),
    verify(): void {
      const found = checksum.digest();
      if (found === wanted) return;
      throw new CanopyError(
        "damaged",
        `Cannot use what came as its ${name} must be ${wanted}: it is ${found}`,
        { hint: "Try again; if it stays so, what the store keeps is damaged" },
      );
    },
  };
}
