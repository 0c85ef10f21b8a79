import type {
  GetKeyPolicyCommandInput,
  GetKeyPolicyCommandOutput,
  ListKeyPoliciesCommandInput,
  ListKeyPoliciesCommandOutput,
  PutKeyPolicyCommandInput,
} from "@aws-sdk/client-kms";
import { parsePolicy, PolicyFault } from "#/access/policies/policy.ts";
import { AwsError } from "#/model/aws-error.ts";
import type { KmsKeySpec } from "#/model/kms.ts";
import type { AwsContext, AwsOperation } from "../call.ts";
import { askOfKey, changingKey, readingKey } from "./key-in.ts";

const policyCharactersMax = 32_768;

/** Leaves it to the account who may use the key. */
export function defaultPolicy(accountId: string): string {
  return JSON.stringify({
    Version: "2012-10-17",
    Id: "key-default-1",
    Statement: [
      {
        Sid: "Enable IAM User Permissions",
        Effect: "Allow",
        Principal: { AWS: `arn:aws:iam::${accountId}:root` },
        Action: "kms:*",
        Resource: "*",
      },
    ],
  });
}

/** Throws "MalformedPolicyDocumentException". */
export function checkedPolicy(text: string): string {
  try {
    if (text.length > policyCharactersMax) throw new PolicyFault("Policy is too large");
    parsePolicy(text, "resource");
    return text;
  } catch (thrown) {
    if (!(thrown instanceof PolicyFault)) throw thrown;
    throw new AwsError("MalformedPolicyDocumentException", 400, thrown.message);
  }
}

/** Who gives a key a policy must be able to give it another. Throws "MalformedPolicyDocumentException". */
export function requireChangeable(
  spec: Pick<KmsKeySpec, "accountId" | "id" | "policy">,
  context: AwsContext,
): void {
  const ask = askOfKey({ spec }, context, { action: "kms:PutKeyPolicy" });
  if (!context.isAllowed(ask))
    throw new AwsError(
      "MalformedPolicyDocumentException",
      400,
      "The new key policy will not allow you to update the key policy in the future.",
    );
}

export const getKeyPolicy: AwsOperation<GetKeyPolicyCommandInput, GetKeyPolicyCommandOutput> =
  readingKey(({ spec }, { PolicyName = "default" }: GetKeyPolicyCommandInput) => {
    checkName(PolicyName);
    return { Policy: spec.policy, PolicyName, $metadata: {} };
  });

export const putKeyPolicy = changingKey<PutKeyPolicyCommandInput>(
  (record, { Policy = "", PolicyName = "default", BypassPolicyLockoutSafetyCheck }, context) => {
    checkName(PolicyName);
    const spec = { ...record.spec, policy: checkedPolicy(Policy) };
    if (!BypassPolicyLockoutSafetyCheck) requireChangeable(spec, context);
    return { ...record, spec };
  },
);

export const listKeyPolicies: AwsOperation<
  ListKeyPoliciesCommandInput,
  ListKeyPoliciesCommandOutput
> = readingKey(() => ({ PolicyNames: ["default"], Truncated: false, $metadata: {} }));

function checkName(name: string): void {
  if (name !== "default")
    throw new AwsError("NotFoundException", 400, `No such policy exists: ${name}`);
}
