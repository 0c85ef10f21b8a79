import { hash, type KeyObject } from "node:crypto";
import type { Clock } from "#/base/clock.ts";
import { limits } from "#/base/limits.ts";
import type { Principal } from "#/model/principal.ts";
import { canonicalRequest, digestOfBytes, digestOfLetters } from "./canonical.ts";
import { claimOf, queryOf, type Claim } from "./claim.ts";
import { contentOf, type Content } from "./content.ts";
import { decoded } from "./encoding.ts";
import { expiresMaxSeconds, refuse, skewMsMax } from "./refusals.ts";
import { formClaimOf, oldFormSignature, type FormFields } from "./form.ts";
import { isSame, scopeText, signatureOf, signingKeyOf, type Scope } from "./signing-key.ts";
import type { SignedRequest } from "./signed-request.ts";
import { oldClaimOf, oldSignature, oldStringToSign, type OldClaim } from "./version2.ts";

/** Whose an access key is. Another object once anything of it changed, so that what was derived from it is forgotten. */
export interface Credential {
  principal: Principal;
  secret: string;
}

/** Finds who an access key acts as, now; throws as AWS does for one that is unknown, off, or of a session that is over. */
export interface Credentials {
  find(accessKeyId: string, sessionToken: string | undefined, service: string): Credential;
  /** A request of this key was verified. */
  used?(accessKeyId: string, service: string): void;
}

/** A request that is what its sender signed, or an anonymous one. */
export interface Verified {
  principal: Principal;
  /** How it was signed: `s3:authType` calls them REST-HEADER, REST-QUERY-STRING and POST. */
  way: "header" | "query" | "form" | "anonymous";
  /** Absent for version 4. */
  version?: 2;
  /** Of the credential's scope; "" of anonymous requests. */
  service: string;
  region: string;
  /** When it was signed, of signed ones. */
  signedAtMs?: number;
  /** What the body must turn out to be: for `bodyReader()`. */
  content: Content;
}

export const anonymous: Principal = {
  kind: "anonymous",
  project: "",
  accountId: "",
  arn: "*",
  userId: "anonymous",
  name: "",
};

/**
 * Checks signatures of version 4: in the header or in the query (presigned). Signing keys are kept for their day, so
 * that a request costs one hash and one HMAC.
 */
export class Signatures {
  #credentials: Credentials;
  #clock: Pick<Clock, "now">;
  #keys = new Map<string, { credential: Credential; key: KeyObject }>();

  constructor(parts: { credentials: Credentials; clock: Pick<Clock, "now"> }) {
    this.#credentials = parts.credentials;
    this.#clock = parts.clock;
  }

  /**
   * Who sent a request, and what its body must be. `body` is needed by all services but S3, which say nothing of it in
   * a header: read it first (`scopeOf()` tells the service). Throws AwsError: AuthorizationHeaderMalformed,
   * AuthorizationQueryParametersError, InvalidAccessKeyId, SignatureDoesNotMatch, RequestTimeTooSkewed, AccessDenied
   * (expired, not signed), ExpiredToken, InvalidToken, InvalidRequest, InvalidArgument; of other services
   * IncompleteSignature, InvalidClientTokenId, SignatureDoesNotMatch, ExpiredToken.
   * `hostBucket` is the bucket of S3 that the host names: version 2 signs it with the path.
   */
  verify(request: SignedRequest, body?: Uint8Array, hostBucket?: string): Verified {
    const old = oldClaimOf(request, this.#clock.now());
    if (old) {
      if (body) throw refuse.oldVersion();
      return this.#verifyOld(request, old, hostBucket);
    }
    const claim = claimOf(request);
    if (!claim) {
      const content = contentOf(request, undefined);
      return { principal: anonymous, way: "anonymous", service: "", region: "", content };
    }
    const { scope, way, signedAtMs } = claim;
    const { service, region } = scope;
    this.#checkTime(claim);
    const found = this.#keyOf(claim);
    const isS3 = service === "s3";
    const contentHash = isS3
      ? saidHash(request, way)
      : hash("sha256", body ?? new Uint8Array(), "hex");
    requireSigned(request, claim, isS3);
    const { signedHeaders } = claim;
    const isPresigned = way === "query";
    const canonical = canonicalRequest(request, {
      signedHeaders,
      contentHash,
      service,
      isPresigned,
    });
    const head = `AWS4-HMAC-SHA256\n${claim.at}\n${scopeText(scope)}\n`;
    const stringToSign = head + digestOfBytes(canonical);
    const isSigned = (text: string) => isSame(signatureOf(found.key, text), claim.signature);
    if (!isSigned(stringToSign) && !isSigned(head + digestOfLetters(canonical))) {
      const { accessKeyId, signature } = claim;
      throw refuse.mismatch(service, { accessKeyId, canonical, stringToSign, signature });
    }
    this.#credentials.used?.(claim.accessKeyId, service);
    const content = isS3
      ? contentOf(request, { hash: contentHash, claim, key: found.key })
      : { kind: "unsigned" as const };
    return { principal: found.credential.principal, way, service, region, signedAtMs, content };
  }

  /**
   * Who sent a form, by the policy in it that its maker signed; what the policy asks is checked by `checkPostPolicy()`.
   * `fields` are those before the file, names in lower case. Throws as `verify()` does, and InvalidArgument for a form that lacks a field.
   */
  verifyForm(fields: FormFields): Verified {
    const content: Content = { kind: "unsigned" };
    const claim = formClaimOf(fields);
    if (!claim) return { principal: anonymous, way: "anonymous", service: "", region: "", content };
    const { accessKeyId, sessionToken, policy, signature, version4 } = claim;
    if (version4) this.#checkFormTime(version4.signedAtMs);
    const credential = this.#credentials.find(accessKeyId, sessionToken, "s3");
    const expected = version4
      ? signatureOf(this.#key(credential, version4.credential, version4.scope), policy)
      : oldFormSignature(credential.secret, policy);
    if (!isSame(expected, signature))
      throw refuse.mismatch("s3", { accessKeyId, canonical: "", stringToSign: policy, signature });
    return {
      principal: credential.principal,
      way: "form",
      service: "s3",
      region: version4?.scope.region ?? "",
      ...(version4 ? { signedAtMs: version4.signedAtMs } : { version: 2 }),
      content,
    };
  }

  #verifyOld(request: SignedRequest, claim: OldClaim, hostBucket: string | undefined): Verified {
    const { accessKeyId, sessionToken, signature, way } = claim;
    const { principal, secret } = this.#credentials.find(accessKeyId, sessionToken, "s3");
    const stringToSign = oldStringToSign(request, claim, hostBucket);
    const isSigned = (text: string) =>
      isSame(oldSignature(secret, text, "latin1"), signature) ||
      isSame(oldSignature(secret, text, "utf8"), signature);
    if (!isSigned(stringToSign) && !isSigned(oldStringToSign(request, claim, hostBucket, "/")))
      throw refuse.oldMismatch(accessKeyId, stringToSign, signature);
    this.#credentials.used?.(accessKeyId, "s3");
    const content = contentOf(request, undefined);
    return { principal, way, version: 2, service: "s3", region: "", content };
  }

  /** A form is good for as long as its policy says, and a signing key for a week. */
  #checkFormTime(signedAtMs: number): void {
    const now = this.#clock.now();
    if (signedAtMs - now > skewMsMax) throw refuse.notYet("s3");
    const untilMs = signedAtMs + expiresMaxSeconds * 1000;
    if (now > untilMs) throw refuse.expired("s3", expiresMaxSeconds, untilMs, now);
  }

  #checkTime({ way, scope: { service }, at, signedAtMs, expiresSeconds = 0 }: Claim): void {
    const now = this.#clock.now();
    if (way === "header") {
      if (Math.abs(now - signedAtMs) > skewMsMax) throw refuse.skewed(service, at, now);
      return;
    }
    if (signedAtMs - now > skewMsMax) throw refuse.notYet(service);
    const untilMs = signedAtMs + expiresSeconds * 1000;
    if (expiresSeconds === 0 || now > untilMs)
      throw refuse.expired(service, expiresSeconds, untilMs, now);
  }

  #keyOf(claim: Claim): { credential: Credential; key: KeyObject } {
    const { accessKeyId, sessionToken, scope, credential: name } = claim;
    const credential = this.#credentials.find(accessKeyId, sessionToken, scope.service);
    return { credential, key: this.#key(credential, name, scope) };
  }

  #key(credential: Credential, name: string, scope: Scope): KeyObject {
    const known = this.#keys.get(name);
    if (known?.credential === credential) return known.key;
    if (this.#keys.size >= limits.signingKeysMax) this.#keys.clear();
    const key = signingKeyOf(credential.secret, scope);
    this.#keys.set(name, { credential, key });
    return key;
  }
}

/** What the client says of the payload: in the canonical request as it is. */
function saidHash(request: SignedRequest, way: Claim["way"]): string {
  const said = request.headers["x-amz-content-sha256"];
  if (typeof said === "string") return said;
  if (way === "header") throw refuse.noContentHash();
  const asked = /(?:^|&)X-Amz-Content-Sha256=([^&]*)/i.exec(queryOf(request.url))?.[1];
  return asked === undefined ? "UNSIGNED-PAYLOAD" : decoded(asked);
}

/** The host and every "x-amz-" header must be covered: else who is between could add what the sender never meant. */
function requireSigned(
  { headers }: SignedRequest,
  { signedHeaders, way }: Claim,
  isS3: boolean,
): void {
  const unsigned = isS3 ? refuse.unsigned : refuse.unsignedElsewhere;
  const listed = `;${signedHeaders};`;
  if (!listed.includes(";host;")) throw unsigned("host");
  for (const name in headers) {
    if (!name.startsWith("x-amz-") || listed.includes(`;${name};`)) continue;
    if (name === "x-amz-content-sha256" && way === "query") continue;
    throw unsigned(name);
  }
}
