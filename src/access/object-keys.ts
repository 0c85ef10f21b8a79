import { limits } from "#/base/limits.ts";
import type { Random } from "#/base/random.ts";
import type { Sealer } from "./identities/identities.ts";

/** Seals secrets under the cloud's own, so that records may hold them. */
/** A key that bytes are encrypted with, and itself sealed, as it is kept beside them. */
export interface DataKey {
  key: Uint8Array;
  sealedKey: string;
}

/**
 * The keys of objects that the cloud encrypts with its own (SSE-S3). A bucket's objects share one for a day, from which the store
 * derives one for each piece that it keeps: sealing costs more than encrypting a small object.
 */
export class ObjectKeys {
  #sealer: Sealer;
  #random: Random;
  #clock: { now(): number };
  #current = new Map<string, DataKey & { madeAt: number }>();
  #opened = new Map<string, Uint8Array>();

  constructor(parts: { sealer: Sealer; random: Random; clock: { now(): number } }) {
    this.#sealer = parts.sealer;
    this.#random = parts.random;
    this.#clock = parts.clock;
  }

  /** For a new object of a bucket, by the bucket's id. */
  forNew(bucket: string): DataKey {
    const now = this.#clock.now();
    const known = this.#current.get(bucket);
    if (known && now - known.madeAt < limits.bucketKeyMs) return known;
    const key = Buffer.from(this.#random.bytes(32));
    const sealedKey = this.#sealer.seal(key.toString("base64"), aboutBucket(bucket));
    const made = { key, sealedKey, madeAt: now };
    if (this.#current.size >= limits.bucketKeysMax) this.#current.clear();
    this.#current.set(bucket, made);
    return made;
  }

  /** Opens what `forNew` sealed. Throws CanopyError "forbidden" for what another cloud, or another bucket's key, sealed. */
  open(bucket: string, sealedKey: string): Uint8Array {
    const current = this.#current.get(bucket);
    if (current?.sealedKey === sealedKey) return current.key;
    const known = this.#opened.get(sealedKey);
    if (known) return known;
    const key = Buffer.from(this.#sealer.unseal(sealedKey, aboutBucket(bucket)), "base64");
    if (this.#opened.size >= limits.bucketKeysMax) this.#opened.clear();
    this.#opened.set(sealedKey, key);
    return key;
  }
}

const aboutBucket = (bucket: string) => `objects of ${bucket}`;
