import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPair,
  type KeyObject,
} from "node:crypto";
import { promisify } from "node:util";
import { AwsError } from "#/model/aws-error.ts";
import type { KeyPairSpec } from "#/model/virtual-network.ts";

export type PublicKey = Pick<KeyPairSpec, "type" | "publicKey" | "fingerprint">;

const rsaBits = 2048;
/** What comes before the 32 bytes of an Ed25519 key in PKCS #8 (RFC 8410). */
const ed25519Prefix = Buffer.from("302e020100300506032b657004220420", "hex");

/** A new RSA key, its private half as PKCS #1 in PEM, as EC2 gives it. */
export async function newRsa(): Promise<PublicKey & { privateKey: string }> {
  const { privateKey } = await promisify(generateKeyPair)("rsa", { modulusLength: rsaBits });
  const pkcs8 = privateKey.export({ type: "pkcs8", format: "der" });
  return {
    type: "rsa",
    publicKey: lineOf(rsaBlob(createPublicKey(privateKey))),
    fingerprint: inPairs(createHash("sha1").update(pkcs8).digest()),
    privateKey: privateKey.export({ type: "pkcs1", format: "pem" }).toString(),
  };
}

/** A new Ed25519 key of 32 bytes of chance (and 4 more for its file), its private half as OpenSSH keeps it. */
export function newEd25519(
  chance: Uint8Array,
  comment: string,
): PublicKey & { privateKey: string } {
  const seed = chance.subarray(0, 32);
  const key = createPrivateKey({
    key: Buffer.concat([ed25519Prefix, seed]),
    format: "der",
    type: "pkcs8",
  });
  const point = pointOf(createPublicKey(key));
  const blob = ed25519Blob(point);
  return {
    ...ofBlob("ed25519", blob),
    privateKey: opensshFile({ seed, point, blob, check: chance.subarray(32, 36), comment }),
  };
}

/** What EC2 imports: OpenSSH's line, its base64 alone, or a public key in PEM. Throws "InvalidKey.Format". */
export function publicKeyFrom(text: string, comment: string): PublicKey {
  try {
    const key = text.includes("-----BEGIN") ? createPublicKey(text) : keyOfLine(text);
    if (key.asymmetricKeyType === "ed25519") return ofBlob("ed25519", ed25519Blob(pointOf(key)));
    const { modulusLength = 0 } = key.asymmetricKeyDetails ?? {};
    if (key.asymmetricKeyType !== "rsa" || ![1024, 2048, 4096].includes(modulusLength))
      throw new Error("not of a kind that EC2 takes");
    const spki = key.export({ type: "spki", format: "der" });
    return {
      type: "rsa",
      publicKey: lineOf(rsaBlob(key), comment),
      fingerprint: inPairs(createHash("md5").update(spki).digest()),
    };
  } catch (cause) {
    throw new AwsError("InvalidKey.Format", 400, "Key is not in valid OpenSSH public key format", {
      cause,
    });
  }
}

function ofBlob(type: "ed25519", blob: Buffer): PublicKey {
  return {
    type,
    publicKey: lineOf(blob),
    fingerprint: createHash("sha256").update(blob).digest("base64"),
  };
}

function keyOfLine(line: string): KeyObject {
  const words = line.trim().split(/\s+/);
  const encoded = words.find((word) => word.startsWith("AAAA")) ?? "";
  const [name = Buffer.alloc(0), ...parts] = fieldsOf(Buffer.from(encoded, "base64"));
  const url = (part: Buffer | undefined) => part!.toString("base64url");
  switch (name.toString()) {
    case "ssh-ed25519":
      return createPublicKey({
        key: { kty: "OKP", crv: "Ed25519", x: url(parts[0]) },
        format: "jwk",
      });
    case "ssh-rsa": {
      const [e, n] = parts;
      const modulus = n![0] === 0 ? n!.subarray(1) : n;
      return createPublicKey({ key: { kty: "RSA", e: url(e), n: url(modulus) }, format: "jwk" });
    }
  }
  throw new Error(`no key that is known: ${name.toString("latin1", 0, 40)}`);
}

/** Texts, each after its length in four bytes (RFC 4251). */
function fieldsOf(blob: Buffer): Buffer[] {
  const fields: Buffer[] = [];
  for (let at = 0; at < blob.length;) {
    const end = at + 4 + blob.readUInt32BE(at);
    if (end > blob.length) throw new Error("it ends too early");
    fields.push(blob.subarray(at + 4, end));
    at = end;
  }
  return fields;
}

function field(content: Uint8Array | string): Buffer {
  const bytes = Buffer.from(content);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

const ed25519Blob = (point: Buffer) => Buffer.concat([field("ssh-ed25519"), field(point)]);

function rsaBlob(key: KeyObject): Buffer {
  const { e = "", n = "" } = key.export({ format: "jwk" });
  return Buffer.concat([field("ssh-rsa"), field(positive(e)), field(positive(n))]);
}

/** A number that is not to be taken for a negative one. */
function positive(base64: string): Buffer {
  const bytes = Buffer.from(base64, "base64url");
  return bytes[0]! >= 0x80 ? Buffer.concat([Buffer.alloc(1), bytes]) : bytes;
}

const pointOf = (key: KeyObject) => Buffer.from(key.export({ format: "jwk" }).x ?? "", "base64url");

function lineOf(blob: Buffer, comment = ""): string {
  const [name] = fieldsOf(blob);
  return `${name!.toString()} ${blob.toString("base64")}${comment === "" ? "" : ` ${comment}`}`;
}

/** https://github.com/openssh/openssh-portable/blob/master/PROTOCOL.key, without a passphrase. */
function opensshFile(key: {
  seed: Uint8Array;
  point: Buffer;
  blob: Buffer;
  check: Uint8Array;
  comment: string;
}): string {
  const { seed, point, blob, check, comment } = key;
  const secret = Buffer.concat([
    check,
    check,
    blob,
    field(Buffer.concat([seed, point])),
    field(comment),
  ]);
  const padding = Buffer.from([1, 2, 3, 4, 5, 6, 7].slice(0, (8 - (secret.length % 8)) % 8));
  const count = Buffer.from([0, 0, 0, 1]);
  const content = Buffer.concat([
    Buffer.from("openssh-key-v1\0"),
    field("none"),
    field("none"),
    field(""),
    count,
    field(blob),
    field(Buffer.concat([secret, padding])),
  ]);
  const lines = content.toString("base64").match(/.{1,70}/g)!;
  return `-----BEGIN OPENSSH PRIVATE KEY-----\n${lines.join("\n")}\n-----END OPENSSH PRIVATE KEY-----\n`;
}

const inPairs = (bytes: Buffer) => bytes.toString("hex").match(/../g)!.join(":");
