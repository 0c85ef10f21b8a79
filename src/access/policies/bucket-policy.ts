import { AwsError } from "#/model/aws-error.ts";
import { Pattern } from "./pattern.ts";
import { appliesToAny, isKeyOfS3 } from "./s3-condition-keys.ts";
import { parsePolicy, PolicyFault, type Policy, type Statement } from "./policy.ts";

const bucketPolicyBytesMax = 20 * 1024;

/** Actions of S3 on objects; all others of its API are on buckets, or on the account. */
const ofObjects =
  /^s3:(?:(?:Get|Put|Delete)Object(?!Lock)|(?:Get|Put)ObjectLegalHold|AbortMultipartUpload$|ListMultipartUploadParts$|RestoreObject$|BypassGovernanceRetention$|Replicate|ObjectOwnerOverride|InitiateReplication|UpdateObject)/i;

/**
 * Understands the policy of a bucket. Throws AwsError "MalformedPolicy" in the words of S3: for what is no policy, names
 * another service's actions, other buckets, actions that none of its resources can have, condition keys that S3 does not know or that say
 * nothing of its actions, and principals that cannot be or, by `isThere`, are not there.
 */
export function parseBucketPolicy(
  text: string,
  bucket: string,
  isThere: (principal: string) => boolean = () => true,
): Policy {
  if (text.length > bucketPolicyBytesMax)
    throw malformed(`Policy is too large; the limit is ${bucketPolicyBytesMax} bytes`);
  if (!text.trimStart().startsWith("{"))
    throw malformed("Policies must be valid JSON and the first byte must be '{'");
  try {
    JSON.parse(text);
  } catch {
    throw malformed("This policy contains invalid Json");
  }
  const policy = understood(text);
  for (const statement of policy.statements) {
    checkPrincipals(statement, isThere);
    checkStatement(statement, bucket);
    checkConditions(statement);
  }
  return policy;
}

function understood(text: string): Policy {
  try {
    return parsePolicy(text, "resource");
  } catch (thrown) {
    if (!(thrown instanceof PolicyFault)) throw thrown;
    const { message } = thrown;
    if (message.startsWith("Actions/Conditions") || message.includes("contain actions"))
      throw malformed("Policy has invalid action");
    if (message.startsWith("Resource ") || message.includes("contain resources"))
      throw malformed("Policy has invalid resource");
    throw malformed(message);
  }
}

function checkPrincipals(
  { principals, notPrincipals }: Statement,
  isThere: (principal: string) => boolean,
): void {
  for (const name of (principals ?? notPrincipals)?.names ?? []) {
    const [type, rest] = name.split(" ") as [string, string?];
    const isOne =
      type === "CanonicalUser"
        ? /^[0-9a-f]{64}$/.test(rest ?? "")
        : type === "Service"
          ? /^[a-z0-9.-]+\.amazonaws\.com(?:\.cn)?$/.test(rest ?? "")
          : type === "Federated" || isThere(name);
    if (!isOne) throw malformed("Invalid principal in policy");
  }
}

function checkConditions({ actions, conditions }: Statement): void {
  for (const { key } of conditions) {
    if (!key.startsWith("s3:")) continue;
    if (!isKeyOfS3(key)) throw malformed("Policy has an invalid condition key");
    if (actions && !appliesToAny(key, actions))
      throw malformed(
        "Conditions do not apply to combination of actions and resources in statement",
      );
  }
}

function checkStatement(statement: Statement, bucket: string): void {
  const actions = (statement.actions ?? statement.notActions ?? []).map(({ text }) => text);
  const resources = (statement.resources ?? statement.notResources ?? []).map(({ text }) => text);
  for (const action of actions)
    if (action !== "*" && !/^s3:[A-Za-z0-9*?]+$/i.test(action))
      throw malformed("Policy has invalid action");
  const own = `arn:aws:s3:::${bucket}`;
  for (const resource of resources)
    if (
      resource !== "*" &&
      resource !== own &&
      !resource.startsWith(`${own}/`) &&
      !hasStarFor(resource, bucket)
    )
      throw malformed("Policy has invalid resource");
  if (!statement.actions || !statement.resources) return;
  const hasObjects = resources.some((one) => one.includes("/") || /[*?]/.test(one));
  const hasBucket = resources.some((one) => !one.includes("/") || /^[^/]*[*?]/.test(one));
  for (const action of actions) {
    if (/[*?]/.test(action)) continue;
    if (ofObjects.test(action) ? !hasObjects : !hasBucket)
      throw malformed("Action does not apply to any resource(s) in statement");
  }
}

/** "arn:aws:s3:::*", and the bucket's name with a star in it. */
function hasStarFor(resource: string, bucket: string): boolean {
  const name = /^arn:aws:s3:::([^/]*)/.exec(resource)?.[1];
  if (name === undefined || !/[*?]/.test(name)) return false;
  return new Pattern(name).matches(bucket, () => undefined);
}

/**
 * Whether a policy makes a bucket public, as S3 defines it: it allows something to everyone without a condition that
 * fixes who or where from
 * (https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html#access-control-block-public-access-policy-status).
 */
export function isPublicPolicy({ statements }: Policy): boolean {
  return statements.some(
    (one) =>
      one.effect === "Allow" &&
      (one.notPrincipals !== undefined || one.principals?.isEveryone === true) &&
      !one.conditions.some(isFixing),
  );
}

const fixing = new Set([
  "aws:principalaccount",
  "aws:principalarn",
  "aws:principalorgid",
  "aws:principalorgpaths",
  "aws:sourceaccount",
  "aws:sourcearn",
  "aws:sourceorgid",
  "aws:sourceorgpaths",
  "aws:sourceowner",
  "aws:sourcevpc",
  "aws:sourcevpce",
  "aws:userid",
  "aws:username",
  "s3:dataaccesspointarn",
  "s3:dataaccesspointaccount",
  "s3:x-amz-server-side-encryption-aws-kms-key-id",
]);

function isFixing({
  key,
  operator,
  isNull,
  ifExists,
  quantifier,
  wanted,
}: Statement["conditions"][number]): boolean {
  // ForAllValues is fulfilled by who has no such key at all.
  if (operator.isNegated || isNull || ifExists || quantifier === "all") return false;
  if (key === "aws:sourceip") return wanted.every(({ text }) => !isWide(text));
  return fixing.has(key) && wanted.every(({ text }) => !/[*?]|\$\{/.test(text));
}

/** A few of these are the whole world. */
function isWide(block: string): boolean {
  const [start, length] = block.split("/") as [string, string?];
  return length !== undefined && Number(length) < (start.includes(":") ? 32 : 8);
}

function malformed(message: string): AwsError {
  return new AwsError("MalformedPolicy", 400, message);
}
