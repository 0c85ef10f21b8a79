import { createHmac } from "node:crypto";
import { AwsError } from "#/model/aws-error.ts";
import { credentialOf, momentOf } from "./claim.ts";
import { refuse } from "./refusals.ts";
import type { Scope } from "./signing-key.ts";

/** The fields of a form before its file, names in lower case; "bucket" is the one that the address names. */
export type FormFields = ReadonlyMap<string, string>;

/** What a form claims of its signature: that of version 4, or the one of version 2 that many forms out there still have. */
export interface FormClaim {
  accessKeyId: string;
  sessionToken: string | undefined;
  policy: string;
  signature: string;
  /** Absent with version 2. */
  version4?: { scope: Scope; credential: string; signedAtMs: number };
}

/** The claim of a form; undefined for an anonymous one. Throws "InvalidArgument" for one that lacks a part. */
export function formClaimOf(fields: FormFields): FormClaim | undefined {
  const policy = fields.get("policy");
  const signature = fields.get("x-amz-signature");
  const old = { signature: fields.get("signature"), accessKeyId: fields.get("awsaccesskeyid") };
  const isSigned = signature !== undefined || old.signature !== undefined;
  if (policy === undefined && !isSigned && old.accessKeyId === undefined) {
    if (fields.get("x-amz-credential") === undefined) return undefined;
  }
  if (policy === undefined) throw missing("policy");
  const sessionToken = fields.get("x-amz-security-token");
  if (old.signature !== undefined || old.accessKeyId !== undefined) {
    if (old.signature === undefined) throw missing("Signature");
    if (old.accessKeyId === undefined) throw missing("AWSAccessKeyId");
    return { accessKeyId: old.accessKeyId, signature: old.signature, policy, sessionToken };
  }
  if (signature === undefined) throw missing("X-Amz-Signature");
  const credential = fields.get("x-amz-credential");
  if (credential === undefined) throw missing("X-Amz-Credential");
  const at = fields.get("x-amz-date");
  if (at === undefined) throw missing("X-Amz-Date");
  const algorithm = fields.get("x-amz-algorithm");
  if (algorithm === undefined) throw missing("X-Amz-Algorithm");
  if (algorithm !== "AWS4-HMAC-SHA256") throw refuse.oldVersion();
  const { accessKeyId, scope } = credentialOf(credential, refuse.malformedQuery);
  const signedAtMs = momentOf(at);
  if (signedAtMs === undefined || at.slice(0, 8) !== scope.day)
    throw refuse.malformedQuery("s3", "X-Amz-Date must be that of the credential");
  return {
    accessKeyId,
    sessionToken,
    policy,
    signature,
    version4: { scope, credential, signedAtMs },
  };
}

/** A form's signature of version 2: HMAC-SHA1 of the policy as it came, base 64. */
export function oldFormSignature(secret: string, policy: string): string {
  return createHmac("sha1", secret).update(policy).digest("base64");
}

/**
 * Holds a form against the policy that its maker signed
 * (https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTConstructPolicy.html): every condition must be met, and
 * every field be in one. Gives the sizes that the file may have. Throws "InvalidPolicyDocument", and "AccessDenied" with what failed.
 */
export function checkPostPolicy(
  policy: string,
  fields: FormFields,
  nowMs: number,
): { bytesMin: number; bytesMax: number } {
  const document = documentOf(policy);
  const expiration = Date.parse(document.expiration);
  if (Number.isNaN(expiration))
    throw invalid(`Invalid 'expiration' value: '${document.expiration}'`);
  if (expiration <= nowMs) throw failed("Policy expired.");
  let bytesMin = 0;
  let bytesMax = Number.MAX_SAFE_INTEGER;
  const covered = new Set<string>();
  for (const condition of document.conditions) {
    const { operator, name, value, sizes } = conditionOf(condition);
    if (sizes) {
      bytesMin = Math.max(bytesMin, sizes[0]);
      bytesMax = Math.min(bytesMax, sizes[1]);
      continue;
    }
    covered.add(name);
    const given = fields.get(name) ?? "";
    if (operator === "eq" ? given === value : isPrefixed(name, given, value)) continue;
    throw failed(`Policy Condition failed: ${JSON.stringify(condition)}`);
  }
  for (const name of fields.keys())
    if (!covered.has(name) && !needsNoCondition.test(name))
      throw failed(`Extra input fields: ${name}`);
  return { bytesMin, bytesMax };
}

const needsNoCondition = /^(?:policy|file|x-amz-signature|signature|awsaccesskeyid|x-ignore-.*)$/;

/** A list of types is good when each of them is. */
function isPrefixed(name: string, given: string, prefix: string): boolean {
  if (name !== "content-type") return given.startsWith(prefix);
  return given.split(",").every((one) => one.trim().startsWith(prefix));
}

interface PostCondition {
  operator: "eq" | "starts-with";
  name: string;
  value: string;
  sizes?: [number, number];
}

function conditionOf(condition: unknown): PostCondition {
  const shown = JSON.stringify(condition);
  if (Array.isArray(condition)) {
    const [first, second, third, ...more] = condition as unknown[];
    const operator = String(first).toLowerCase();
    if (more.length > 0 || third === undefined) throw invalid(`Invalid condition: ${shown}`);
    if (operator === "content-length-range") {
      const sizes: [number, number] = [Number(second), Number(third)];
      if (!sizes.every((one) => Number.isSafeInteger(one) && one >= 0))
        throw invalid(`Invalid Conditional: ${shown}`);
      return { operator: "eq", name: "", value: "", sizes };
    }
    const isKnown = operator === "eq" || operator === "starts-with";
    if (!isKnown || typeof second !== "string" || typeof third !== "string" || second[0] !== "$")
      throw invalid(`Invalid Conditional: ${shown}`);
    return { operator, name: second.slice(1).toLowerCase(), value: third };
  }
  const entries =
    typeof condition === "object" && condition !== null ? Object.entries(condition) : [];
  const [entry] = entries;
  if (entries.length !== 1 || typeof entry![1] !== "string")
    throw invalid(`Invalid Simple-Condition: ${shown}`);
  return { operator: "eq", name: entry![0].toLowerCase(), value: entry![1] };
}

function documentOf(policy: string): { expiration: string; conditions: unknown[] } {
  let document: unknown;
  try {
    document = JSON.parse(Buffer.from(policy, "base64").toString("utf8"));
  } catch {
    throw invalid("Invalid JSON.");
  }
  if (typeof document !== "object" || document === null) throw invalid("Invalid JSON.");
  const { expiration, conditions } = Object.fromEntries(
    Object.entries(document).map(([name, value]) => [name.toLowerCase(), value as unknown]),
  );
  if (typeof expiration !== "string") throw invalid("Policy missing expiration.");
  if (!Array.isArray(conditions)) throw invalid("Policy missing conditions.");
  return { expiration, conditions: conditions as unknown[] };
}

function missing(field: string): AwsError {
  return new AwsError(
    "InvalidArgument",
    400,
    `Bucket POST must contain a field named '${field}'.  If it is specified, please check the order of the fields.`,
    { fields: { ArgumentName: field } },
  );
}

const invalid = (reason: string) =>
  new AwsError("InvalidPolicyDocument", 400, `Invalid Policy: ${reason}`);

const failed = (reason: string) =>
  new AwsError("AccessDenied", 403, `Invalid according to Policy: ${reason}`);
