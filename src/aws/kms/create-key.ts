import type { CreateKeyCommandInput, CreateKeyCommandOutput } from "@aws-sdk/client-kms";
import { AwsError } from "#/model/aws-error.ts";
import type { AwsOperation } from "../call.ts";
import { checkedDescription, keyView } from "./key-in.ts";
import { checkedPolicy, defaultPolicy, requireChangeable } from "./key-policy.ts";
import { tagsIn } from "./tags.ts";

export const createKey: AwsOperation<CreateKeyCommandInput, CreateKeyCommandOutput> = {
  asks: () => ({ action: "kms:CreateKey", resource: "*" }),
  async run(input, context) {
    const { parts, caller } = context;
    const { KeySpec, CustomerMasterKeySpec = KeySpec, KeyUsage = "ENCRYPT_DECRYPT" } = input;
    const spec = KeySpec ?? CustomerMasterKeySpec ?? "SYMMETRIC_DEFAULT";
    if (spec !== "SYMMETRIC_DEFAULT" || KeyUsage !== "ENCRYPT_DECRYPT" || input.MultiRegion)
      throw new AwsError(
        "UnsupportedOperationException",
        400,
        `Keys of KeySpec SYMMETRIC_DEFAULT for ENCRYPT_DECRYPT are made here, of one region: asked for was ${spec} for ${KeyUsage}`,
      );
    if (input.Origin !== undefined && input.Origin !== "AWS_KMS")
      throw new AwsError(
        "UnsupportedOperationException",
        400,
        "Keys are made by this service only",
      );
    const description = checkedDescription(input.Description);
    const policy =
      input.Policy === undefined ? defaultPolicy(caller.accountId) : checkedPolicy(input.Policy);
    if (!input.BypassPolicyLockoutSafetyCheck && input.Policy !== undefined)
      requireChangeable({ id: "new", accountId: caller.accountId, policy }, context);
    const tags = tagsIn(input.Tags);
    const committed = parts.space.commit((tx) => {
      parts.kms.removeGone(tx);
      return parts.kms.create(tx, caller.project, {
        accountId: caller.accountId,
        description,
        policy,
        manager: "CUSTOMER",
        ...(tags && { tags }),
      });
    });
    await committed.durable;
    return { KeyMetadata: keyView(committed.value, context) };
  },
};
