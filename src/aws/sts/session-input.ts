import type { Credentials, PolicyDescriptorType } from "@aws-sdk/client-sts";
import type { SessionKeys } from "#/access/identities/sessions.ts";
import { parsePolicy, PolicyFault } from "#/access/policies/policy.ts";
import { AwsError } from "#/model/aws-error.ts";

const policyCharactersMax = 2048;
const policyArnsMax = 10;

export const validationError = (message: string) => new AwsError("ValidationError", 400, message);

/** What a session is bounded by. Throws MalformedPolicyDocument, PackedPolicyTooLarge, ValidationError. */
export function sessionPolicies(
  policy: string | undefined,
  arns: readonly PolicyDescriptorType[] | undefined,
): { policies?: string[]; policyArns?: string[] } {
  if (policy !== undefined && policy.length > policyCharactersMax)
    throw new AwsError(
      "PackedPolicyTooLarge",
      400,
      `Serialized policy has at most ${policyCharactersMax} characters: this one has ${policy.length}`,
    );
  if (arns && arns.length > policyArnsMax)
    throw validationError(`At most ${policyArnsMax} managed policies bound a session`);
  try {
    if (policy !== undefined) parsePolicy(policy, "identity");
  } catch (thrown) {
    if (!(thrown instanceof PolicyFault)) throw thrown;
    throw new AwsError("MalformedPolicyDocument", 400, thrown.message);
  }
  return {
    ...(policy !== undefined && { policies: [policy] }),
    ...(arns && arns.length > 0 && { policyArns: arns.map(({ arn = "" }) => arn) }),
  };
}

export function checkedSessionName(name: string, member: string, lengthMax: number): string {
  if (name.length < 2 || name.length > lengthMax || !/^[\w+=,.@-]*$/.test(name))
    throw validationError(
      `1 validation error detected: Value '${name}' at '${member}' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\w+=,.@-]* and have 2 to ${lengthMax} characters`,
    );
  return name;
}

export function checkedSeconds(seconds: number, secondsMax: number): number {
  if (seconds >= 900 && seconds <= secondsMax) return seconds;
  throw validationError(
    `1 validation error detected: Value '${seconds}' at 'durationSeconds' failed to satisfy constraint: Member must have value between 900 and ${secondsMax}`,
  );
}

export function credentialsView({
  accessKeyId,
  secret,
  token,
  expiresAt,
}: SessionKeys): Credentials {
  return {
    AccessKeyId: accessKeyId,
    SecretAccessKey: secret,
    SessionToken: token,
    Expiration: new Date(expiresAt),
  };
}
