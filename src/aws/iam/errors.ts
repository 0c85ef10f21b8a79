import { parsePolicy, PolicyFault, type PolicyKind } from "#/access/policies/policy.ts";
import { AwsError } from "#/model/aws-error.ts";

export const noSuchEntity = (message: string) => new AwsError("NoSuchEntity", 404, message);

export const alreadyExists = (message: string) => new AwsError("EntityAlreadyExists", 409, message);

export const deleteConflict = (message: string) => new AwsError("DeleteConflict", 409, message);

export const limitExceeded = (quota: string, max: number) =>
  new AwsError("LimitExceeded", 409, `Cannot exceed quota for ${quota}: ${max}`);

export const validationError = (message: string) => new AwsError("ValidationError", 400, message);

/** Throws "MalformedPolicyDocument" for text that is no policy, "LimitExceeded" for one that is too long; spaces do not count. */
export function checkDocument(
  text: string,
  kind: PolicyKind,
  quota: string,
  charactersMax: number,
): void {
  if (text.replaceAll(/\s/g, "").length > charactersMax) throw limitExceeded(quota, charactersMax);
  try {
    parsePolicy(text, kind);
  } catch (thrown) {
    if (!(thrown instanceof PolicyFault)) throw thrown;
    throw new AwsError("MalformedPolicyDocument", 400, thrown.message);
  }
}
