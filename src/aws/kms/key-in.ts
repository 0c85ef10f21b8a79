import type { KeyMetadata } from "@aws-sdk/client-kms";
import { AwsError } from "#/model/aws-error.ts";
import { kmsKeyArn, type KmsKeyRecord, type KmsKeySpec } from "#/model/kms.ts";
import type { Transaction } from "#/space/space.ts";
import type { Ask, AwsContext, AwsOperation } from "../call.ts";

export type OnKey = { KeyId?: string | undefined };

/** The key that an input names. Throws "NotFoundException". */
export function keyIn({ KeyId = "" }: OnKey, { parts, caller }: AwsContext): KmsKeyRecord {
  return parts.kms.find(KeyId, caller, parts.region);
}

/** What must be allowed to do something with a key: its own policy says whether the account's count. */
export function askOfKey(
  { spec }: { spec: Pick<KmsKeySpec, "accountId" | "id" | "policy"> },
  context: AwsContext,
  more: { action?: string; conditions?: Ask["conditions"] } = {},
): Ask {
  return {
    action: more.action ?? `kms:${context.operation}`,
    resource: kmsKeyArn(spec, context.parts.region),
    resourcePolicy: spec.policy,
    isResourcePolicyNeeded: true,
    ownerAccountId: spec.accountId,
    conditions: {
      "kms:calleraccount": context.caller.accountId,
      "kms:keyspec": "SYMMETRIC_DEFAULT",
      "kms:keyusage": "ENCRYPT_DECRYPT",
      "kms:keyorigin": "AWS_KMS",
      ...more.conditions,
    },
  };
}

/** An operation that reads one key. */
export function readingKey<Input extends OnKey, Output>(
  run: (record: KmsKeyRecord, input: Input, context: AwsContext) => Output,
): AwsOperation<Input, Output> {
  return {
    asks: (input, context) => askOfKey(keyIn(input, context), context),
    run: (input, context) => run(keyIn(input, context), input, context) as never,
  };
}

/** An operation that makes one key another; answered once that is durable. */
export function changingKey<Input extends OnKey, Output = object>(
  change: (
    record: KmsKeyRecord,
    input: Input,
    context: AwsContext,
    tx: Transaction,
  ) => KmsKeyRecord,
  answer?: (record: KmsKeyRecord, input: Input, context: AwsContext) => Output,
): AwsOperation<Input, Output> {
  return {
    asks: (input, context) => askOfKey(keyIn(input, context), context),
    async run(input, context) {
      const { kms, space } = context.parts;
      const committed = space.commit((tx) => {
        const found = keyIn(input, context);
        kms.removeGone(tx);
        return tx.put<"kms-key">(change(found, input, context, tx));
      });
      await committed.durable;
      return (answer?.(committed.value, input, context) ?? {}) as never;
    },
  };
}

/** Throws "KMSInvalidStateException" for a key that is being deleted. */
export function requireStaying(record: KmsKeyRecord, { parts }: AwsContext): void {
  if (record.spec.deletionAt !== undefined)
    throw new AwsError(
      "KMSInvalidStateException",
      400,
      `${kmsKeyArn(record.spec, parts.region)} is pending deletion.`,
    );
}

/** "ValidationException" of what is none of the words that there are. */
export function notAmong(member: string, value: string, words: readonly string[]): AwsError {
  return new AwsError(
    "ValidationException",
    400,
    `1 validation error detected: Value '${value}' at '${member}' failed to satisfy constraint: Member must satisfy enum value set: [${words.join(", ")}]`,
  );
}

const descriptionCharactersMax = 8192;

/** Throws "ValidationException". */
export function checkedDescription(text = ""): string {
  if (text.length <= descriptionCharactersMax) return text;
  throw new AwsError(
    "ValidationException",
    400,
    `1 validation error detected: Value at 'description' failed to satisfy constraint: Member must have length less than or equal to ${descriptionCharactersMax}`,
  );
}

export function keyView({ spec }: KmsKeyRecord, { parts }: AwsContext): KeyMetadata {
  const { deletionAt, isEnabled } = spec;
  return {
    AWSAccountId: spec.accountId,
    KeyId: spec.id,
    Arn: kmsKeyArn(spec, parts.region),
    CreationDate: new Date(spec.createdAt),
    Enabled: isEnabled && deletionAt === undefined,
    Description: spec.description,
    KeyUsage: "ENCRYPT_DECRYPT",
    KeyState: deletionAt !== undefined ? "PendingDeletion" : isEnabled ? "Enabled" : "Disabled",
    ...(deletionAt !== undefined && { DeletionDate: new Date(deletionAt) }),
    Origin: "AWS_KMS",
    KeyManager: spec.manager,
    CustomerMasterKeySpec: "SYMMETRIC_DEFAULT",
    KeySpec: "SYMMETRIC_DEFAULT",
    EncryptionAlgorithms: ["SYMMETRIC_DEFAULT"],
    MultiRegion: false,
  };
}
