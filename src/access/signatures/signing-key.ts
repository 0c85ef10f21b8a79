import { createHmac, createSecretKey, timingSafeEqual, type KeyObject } from "node:crypto";

/** What a signature is made for: a day, a region, a service. */
export interface Scope {
  /** "20261123" */
  day: string;
  region: string;
  service: string;
}

/** `20261123/us-east-1/s3/aws4_request` */
export function scopeText({ day, region, service }: Scope): string {
  return `${day}/${region}/${service}/aws4_request`;
}

/** The key of a scope: HMAC by HMAC from the secret, as Signature Version 4 derives it. */
export function signingKeyOf(secret: string, { day, region, service }: Scope): KeyObject {
  const ofDay = createHmac("sha256", `AWS4${secret}`).update(day).digest();
  const ofRegion = createHmac("sha256", ofDay).update(region).digest();
  const ofService = createHmac("sha256", ofRegion).update(service).digest();
  return createSecretKey(createHmac("sha256", ofService).update("aws4_request").digest());
}

/** A signature in hexadecimal. */
export function signatureOf(key: KeyObject, stringToSign: string): string {
  return createHmac("sha256", key).update(stringToSign, "latin1").digest("hex");
}

/** Takes as long whether they differ early or late. */
export function isSame(a: string, b: string): boolean {
  return (
    a.length === b.length && timingSafeEqual(Buffer.from(a, "latin1"), Buffer.from(b, "latin1"))
  );
}
