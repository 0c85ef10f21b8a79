import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  sign,
  verify,
  type KeyObject,
} from "node:crypto";
import { CanopyError } from "#/base/errors.ts";
import type { World } from "../../world.ts";

/**
 * What an export holds, one line of JSON each: first what it is of, then every object with the digest of its bytes. It is signed
 * with Ed25519, and an import takes nothing before the signature was checked; then no byte is taken that no line names.
 */
export interface ManifestHead {
  type: "canopy-objects";
  version: 1;
  /** What was exported: "s3://bucket/prefix". */
  source: string;
  createdAt: string;
  objects: number;
  bytes: number;
}

export interface ManifestEntry {
  /** Below the prefix that was exported. */
  key: string;
  sizeBytes: number;
  /** Of the bytes, hexadecimal. */
  sha256: string;
  etag: string;
  versionId?: string;
  contentType: string;
  metadata: Record<string, string>;
  /** Where the bytes are, below the export: never the key itself, which need be no name of a file. */
  path: string;
}

export interface Manifest {
  head: ManifestHead;
  entries: ManifestEntry[];
}

export const manifestName = "manifest.ndjson";
export const signatureName = "manifest.sig.json";

interface Signature {
  algorithm: "Ed25519";
  /** Base64 of the public key's SPKI. */
  publicKey: string;
  signature: string;
}

/** The key that signs manifests, and whose public part says whose export it is. */
export interface SigningKey {
  privateKey: KeyObject;
  publicKey: string;
}

/** Where the bytes of a key are put: a name that every file system takes, whatever the key is. */
export function pathOfKey(key: string): string {
  const digest = createHash("sha256").update(key).digest("hex").slice(0, 40);
  return `data/${digest.slice(0, 2)}/${digest}`;
}

export function formatManifest({ head, entries }: Manifest): string {
  return [head, ...entries].map((line) => `${JSON.stringify(line)}\n`).join("");
}

export function signManifest(text: string, { privateKey, publicKey }: SigningKey): string {
  const signature = sign(null, messageOf(text), privateKey).toString("base64");
  return `${JSON.stringify({ algorithm: "Ed25519", publicKey, signature } satisfies Signature)}\n`;
}

/**
 * The manifest, once its signature is by one of the keys that are trusted. Throws CanopyError "forbidden" when it is not, and
 * "damaged" for one that is signed and says what it may not.
 */
export function openManifest(text: string, signed: string, trusted: readonly string[]): Manifest {
  const { publicKey, signature } = parseSignature(signed);
  if (!trusted.includes(publicKey)) {
    throw new CanopyError(
      "forbidden",
      `Cannot take this export as it is signed by ${fingerprint(publicKey)}, whom nobody here trusts`,
      {
        hint: "Trust whose key that is: --trust KEYFILE, with the public key that the exporter shows",
      },
    );
  }
  const key = createPublicKey({
    key: Buffer.from(publicKey, "base64"),
    format: "der",
    type: "spki",
  });
  if (!verify(null, messageOf(text), key, Buffer.from(signature, "base64"))) {
    throw new CanopyError(
      "forbidden",
      "Cannot take this export as its manifest is not what was signed",
    );
  }
  return parseManifest(text);
}

function parseManifest(text: string): Manifest {
  const lines = text.split("\n").filter((line) => line !== "");
  const [head, ...entries] = lines.map((line) => JSON.parse(line) as unknown);
  const { type, version, objects } = head as ManifestHead;
  const all = entries as ManifestEntry[];
  const isGood =
    type === "canopy-objects" &&
    version === 1 &&
    objects === all.length &&
    all.every(({ path, sha256, key }) => path === pathOfKey(key) && /^[0-9a-f]{64}$/.test(sha256));
  if (isGood) return { head: head as ManifestHead, entries: all };
  throw new CanopyError(
    "damaged",
    "Cannot take this export as its manifest does not hold what it says",
  );
}

function parseSignature(text: string): Signature {
  try {
    const signature = JSON.parse(text) as Signature;
    if (signature.algorithm === "Ed25519" && typeof signature.publicKey === "string")
      return signature;
  } catch {
    // said below
  }
  throw new CanopyError("forbidden", "Cannot take this export as its manifest is not signed");
}

/** The key of that file; made when there is none yet. */
export async function ownSigningKey(files: World["files"], file: string): Promise<SigningKey> {
  const bytes = await files.read(file);
  if (bytes) return signingKeyOf(createPrivateKey(Buffer.from(bytes).toString()));
  const { privateKey } = generateKeyPairSync("ed25519");
  const text = privateKey.export({ format: "pem", type: "pkcs8" }) as string;
  await files.write(file, text, { mode: 0o600 });
  return signingKeyOf(privateKey);
}

function signingKeyOf(privateKey: KeyObject): SigningKey {
  const spki = createPublicKey(privateKey).export({ format: "der", type: "spki" });
  return { privateKey, publicKey: spki.toString("base64") };
}

/** A public key as people hand it on: in a file as PEM, or in base64. Throws CanopyError "invalid". */
export function parsePublicKey(text: string): string {
  try {
    const key = text.includes("-----")
      ? createPublicKey(text)
      : createPublicKey({ key: Buffer.from(text.trim(), "base64"), format: "der", type: "spki" });
    if (key.asymmetricKeyType === "ed25519")
      return key.export({ format: "der", type: "spki" }).toString("base64");
  } catch {
    // said below
  }
  throw new CanopyError(
    "invalid",
    "Cannot trust what is no public key of Ed25519, in PEM or base64",
  );
}

/** A key's short name, for people. */
export function fingerprint(publicKey: string): string {
  return createHash("sha256").update(Buffer.from(publicKey, "base64")).digest("hex").slice(0, 16);
}

function messageOf(text: string): Buffer {
  return Buffer.from(
    `canopy objects manifest\n${createHash("sha256").update(text).digest("hex")}\n`,
  );
}
