import type { PutOptions } from "#/objects/object-store.ts";
import type { ObjectEncryption } from "#/objects/object-version.ts";
import type { ObjectCall } from "./call.ts";
import { accessDenied } from "./errors.ts";
import type { WantedEncryption } from "./headers/encryption.ts";
import { newKmsKey, openKmsKey, type SealedPlace } from "./kms-keys.ts";

/** The key that a new object is encrypted with; undefined where nobody asked for one. */
export function newKey(
  call: ObjectCall,
  wanted: WantedEncryption | undefined,
): PutOptions["encryption"] | Promise<PutOptions["encryption"]> {
  const {
    context: { parts },
    bucket: { spec },
  } = call;
  if (!wanted) return undefined;
  const { customer, mode } = wanted;
  if (customer) {
    if (spec.encryption?.blocksCustomerKeys) throw accessDenied();
    return { about: { mode: "SSE-C", customerKeyMd5: customer.md5 }, key: customer.key };
  }
  if (mode === "AES256") {
    const { key, sealedKey } = parts.objectKeys.forNew(spec.id);
    return { about: { mode, sealedKey }, key };
  }
  return newKmsKey(call, wanted);
}

/**
 * The key of what is there, opened; undefined for what is not encrypted, or with a key that only its owner has. `place` is
 * where it is: of a copy, its source.
 */
export function openKey(
  place: SealedPlace,
  encryption: ObjectEncryption | undefined,
): Uint8Array | undefined {
  if (encryption?.sealedKey === undefined) return undefined;
  if (encryption.mode !== "AES256") return openKmsKey(place, encryption);
  return place.context.parts.objectKeys.open(place.bucket.spec.id, encryption.sealedKey);
}
