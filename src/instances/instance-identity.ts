import { generateKeyPairSync } from "node:crypto";
import type { Clock } from "#/base/clock.ts";
import { CanopyError } from "#/base/errors.ts";
import type { Random } from "#/base/random.ts";
import type { IdentityKeyRecord } from "#/model/identity-key.ts";
import type { InstanceSpec } from "#/model/instance.ts";
import type { Space } from "#/space/space.ts";
import { certificateOf, signaturesOf } from "./identity-signature.ts";

interface IdentitySealer {
  seal(plain: string, context: string): string;
  unseal(sealed: string, context: string): string;
}

const keyName = "rsa";
const sealedFor = "identity documents";
const serialBytes = 8;

/** Signs the documents by which instances prove who they are, with a key that this cloud alone has. */
export class InstanceIdentity {
  #space: Space;
  #sealer: IdentitySealer;
  #clock: Pick<Clock, "now">;
  #random: Pick<Random, "bytes">;
  #opened: { record: IdentityKeyRecord; privateKey: string } | undefined;
  /** Orders are made again with each change of anything, and their documents are the same. */
  #signed = new WeakMap<InstanceSpec, { document: string; documents: Record<string, string> }>();

  constructor(parts: {
    space: Space;
    sealer: IdentitySealer;
    clock: Pick<Clock, "now">;
    random: Pick<Random, "bytes">;
  }) {
    this.#space = parts.space;
    this.#sealer = parts.sealer;
    this.#clock = parts.clock;
    this.#random = parts.random;
  }

  /** What stands beside an identity document, by name. */
  documentsOf(spec: InstanceSpec, document: string): Readonly<Record<string, string>> {
    const known = this.#signed.get(spec);
    if (known?.document === document) return known.documents;
    const { record, privateKey } = this.#key();
    const serial = Buffer.from(record.spec.serial, "base64");
    const { signature, pkcs7 } = signaturesOf(document, { privateKey, serial });
    const documents = { signature, pkcs7, rsa2048: pkcs7 };
    this.#signed.set(spec, { document, documents });
    return documents;
  }

  /** A backup without secrets brings a key that nobody can open any more: another one takes its place. */
  #key(): { record: IdentityKeyRecord; privateKey: string } {
    const record = this.#space.get("identity-key", keyName);
    if (record && this.#opened?.record === record) return this.#opened;
    this.#opened = (record && this.#open(record)) ?? this.#make();
    return this.#opened;
  }

  #open(record: IdentityKeyRecord) {
    try {
      return { record, privateKey: this.#sealer.unseal(record.status.sealedKey, sealedFor) };
    } catch (thrown) {
      if (thrown instanceof CanopyError && thrown.code === "forbidden") return undefined;
      throw thrown;
    }
  }

  /** Takes some tenths of a second, once in a cloud's life. */
  #make() {
    const { privateKey } = generateKeyPairSync("rsa", {
      modulusLength: 2048,
      publicKeyEncoding: { type: "spki", format: "pem" },
      privateKeyEncoding: { type: "pkcs8", format: "pem" },
    });
    const serial = Buffer.from(this.#random.bytes(serialBytes));
    const createdAt = this.#clock.now();
    const certificate = certificateOf(privateKey, { serial, nowMs: createdAt });
    const record = this.#space.commit((tx) =>
      tx.put<"identity-key">({
        kind: "identity-key",
        project: "",
        name: keyName,
        spec: { createdAt, certificate, serial: serial.toString("base64") },
        status: { sealedKey: this.#sealer.seal(privateKey, sealedFor) },
      }),
    ).value;
    return { record, privateKey };
  }
}

/** By which anybody checks what instances show. Throws "not-found" before the first instance. */
export function identityCertificate(space: Pick<Space, "get">): string {
  const record = space.get("identity-key", keyName);
  if (record) return record.spec.certificate;
  throw new CanopyError(
    "not-found",
    "Cannot show the certificate of identity documents as it is made with the first instance: there was none yet",
  );
}
