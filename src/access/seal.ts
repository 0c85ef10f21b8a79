import { createCipheriv, createDecipheriv, hkdfSync } from "node:crypto";
import { CanopyError } from "#/base/errors.ts";
import type { Random } from "#/base/random.ts";

/**
 * Secrets of others that Canopy must be able to show again (a provider's key), as records may hold them:
 * AES-256-GCM (NIST SP 800-38D) under a key that HKDF (RFC 5869) derives from the cloud's signing secret.
 * A record, a log or a backup without secrets tells nothing of them.
 */
const nonceBytes = 12;
const tagBytes = 16;

/** `about` names what it is for: what was sealed for one thing opens for no other. */
export function seal(plain: string, about: string, signingSecret: string, random: Random): string {
  return sealUnder(sealKeyOf(signingSecret, signingPurpose), plain, about, random);
}

/** Throws CanopyError "forbidden" when it was sealed by another cloud, for something else, or has changed. */
export function unseal(sealed: string, about: string, signingSecret: string): string {
  return unsealUnder(sealKeyOf(signingSecret, signingPurpose), sealed, about);
}

/** The same under a key of 32 bytes. */
export function sealUnder(key: Uint8Array, plain: string, about: string, random: Random): string {
  const nonce = random.bytes(nonceBytes);
  const cipher = createCipheriv("aes-256-gcm", key, nonce);
  cipher.setAAD(Buffer.from(about));
  const content = Buffer.concat([cipher.update(plain, "utf8"), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), content]).toString("base64");
}

/** Throws CanopyError "forbidden" when it was sealed under another key, for something else, or has changed. */
export function unsealUnder(key: Uint8Array, sealed: string, about: string): string {
  const bytes = Buffer.from(sealed, "base64");
  try {
    const nonce = bytes.subarray(0, nonceBytes);
    const decipher = createDecipheriv("aes-256-gcm", key, nonce);
    decipher.setAAD(Buffer.from(about));
    decipher.setAuthTag(bytes.subarray(nonceBytes, nonceBytes + tagBytes));
    const content = decipher.update(bytes.subarray(nonceBytes + tagBytes));
    return Buffer.concat([content, decipher.final()]).toString("utf8");
  } catch (thrown) {
    throw new CanopyError(
      "forbidden",
      `Cannot read the secrets of ${about} as they were sealed with another signing secret`,
      { hint: "Give them again: a backup without secrets does not bring them back", cause: thrown },
    );
  }
}

const signingPurpose = "canopy sealed secrets";

/** A key of 32 bytes that follows from a text, for one purpose. */
export function sealKeyOf(text: string, purpose: string): Buffer {
  return Buffer.from(hkdfSync("sha256", text, "", purpose, 32));
}
