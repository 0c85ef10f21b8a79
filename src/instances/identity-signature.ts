import { createPrivateKey, createPublicKey, sign } from "node:crypto";
import {
  bits,
  integer,
  nothing,
  objectId,
  octets,
  sequence,
  set,
  tagged,
  text,
  time,
} from "#/base/der.ts";

const rsaEncryption = sequence(objectId("1.2.840.113549.1.1.1"), nothing);
const rsaWithSha256 = sequence(objectId("1.2.840.113549.1.1.11"), nothing);
const sha256 = sequence(objectId("2.16.840.1.101.3.4.2.1"), nothing);
const commonName = objectId("2.5.4.3");
const data = objectId("1.2.840.113549.1.7.1");
const signedData = objectId("1.2.840.113549.1.7.2");
const one = integer(Buffer.from([1]));

const issuer = sequence(set(sequence(commonName, text("Canopy instance identity"))));

const lifetimeMs = 100 * 365 * 24 * 3_600_000;

/** A certificate (X.509, PEM) of a private key's public half, signed by itself. `serial` tells it from others. */
export function certificateOf(
  privateKey: string,
  { serial, nowMs }: { serial: Uint8Array; nowMs: number },
): string {
  const key = createPrivateKey(privateKey);
  const spki = createPublicKey(key).export({ type: "spki", format: "der" });
  const validity = sequence(time(nowMs), time(nowMs + lifetimeMs));
  const body = sequence(integer(serial), rsaWithSha256, issuer, validity, issuer, spki);
  const certificate = sequence(body, rsaWithSha256, bits(sign("sha256", body, key)));
  return `-----BEGIN CERTIFICATE-----\n${lined(certificate)}\n-----END CERTIFICATE-----\n`;
}

/** A document signed by RSA and SHA-256: plainly, and as PKCS #7 (RFC 2315) with the document in it and no certificate, as AWS has them. */
export function signaturesOf(
  document: string,
  { privateKey, serial }: { privateKey: string; serial: Uint8Array },
): { signature: string; pkcs7: string } {
  const content = Buffer.from(document);
  const signature = sign("sha256", content, privateKey);
  const signer = sequence(
    one,
    sequence(issuer, integer(serial)),
    sha256,
    rsaEncryption,
    octets(signature),
  );
  const signed = sequence(
    one,
    set(sha256),
    sequence(data, tagged(0, octets(content))),
    set(signer),
  );
  return {
    signature: lined(signature),
    pkcs7: lined(sequence(signedData, tagged(0, signed))),
  };
}

/** Base64 in lines of 64. */
const lined = (bytes: Uint8Array) =>
  Buffer.from(bytes)
    .toString("base64")
    .replaceAll(/.{64}(?=.)/g, "$&\n");
