import { isUsable } from "#/instances/snapshots.ts";
import { ownKeyAlias } from "#/instances/volume-keys.ts";
import { AwsError } from "#/model/aws-error.ts";
import { kmsKeyArn, type KmsKeyRecord } from "#/model/kms.ts";
import type { Ask, AwsContext } from "../call.ts";
import { askOfKey } from "../kms/key-in.ts";

const isOwnAlias = (asked: string) =>
  asked === ownKeyAlias || /^arn:aws:kms:[^:]*:\d{12}:alias\/aws\/ebs$/.test(asked);

/** How the encryption of a volume is asked for. */
export interface EncryptionAsked {
  Encrypted?: boolean | undefined;
  KmsKeyId?: string | undefined;
}

/**
 * The ARN of the key of the key service that a volume is to be sealed under, or `ownKeyAlias`; undefined where none is named. Throws
 * "InvalidParameterDependency" for a key of what is not encrypted, "InvalidParameterValue" for one that is not there.
 */
export function volumeKeyArn(
  asked: EncryptionAsked,
  context: Pick<AwsContext, "caller" | "parts">,
): string | undefined {
  const record = volumeKey(asked, context);
  return record === ownKeyAlias ? record : record && kmsKeyArn(record.spec, context.parts.region);
}

/** What must be allowed to have volumes sealed under a key, or opened: beside what is asked of the volumes themselves. */
export function asksOfVolumeKey(
  record: KmsKeyRecord | undefined,
  action: "kms:GenerateDataKeyWithoutPlaintext" | "kms:CreateGrant",
  context: AwsContext,
): Ask[] {
  const { region } = context.parts;
  const conditions = {
    "kms:ViaService": `ec2.${region}.amazonaws.com`,
    ...(action === "kms:CreateGrant" && { "kms:GrantIsForAWSResource": "true" }),
  };
  return record ? [askOfKey(record, context, { action, conditions })] : [];
}

/** What must be allowed to make a volume: sealed under the key that is asked for, or else under that of its snapshot. */
export function asksToSeal(
  asked: EncryptionAsked,
  snapshot: string | undefined,
  context: AwsContext,
): Ask[] {
  const { space, volumeKeys } = context.parts;
  const from = snapshot === undefined ? undefined : space.get("snapshot", snapshot);
  // Of what is another's nothing is told, not even its key.
  const isOpen = from !== undefined && isUsable(from, context.caller);
  const before = isOpen ? volumeKeys.sealing(from.spec.sealedKey) : undefined;
  const key = volumeKey(asked, context) ?? before;
  return [
    ...asksOfVolumeKey(
      key === ownKeyAlias ? undefined : key,
      "kms:GenerateDataKeyWithoutPlaintext",
      context,
    ),
    ...asksOfVolumeKey(before, "kms:CreateGrant", context),
  ];
}

/** What must be allowed to use volumes that are sealed under keys of the key service. */
export function asksToOpen(volumes: readonly string[], context: AwsContext): Ask[] {
  const { space, volumeKeys } = context.parts;
  return volumes.flatMap((id) => {
    const record = space.get("volume", id);
    const isOwn = record?.project === context.caller.project;
    const key = isOwn ? volumeKeys.sealing(record.spec.sealedKey) : undefined;
    return asksOfVolumeKey(key, "kms:CreateGrant", context);
  });
}

function volumeKey(
  { Encrypted, KmsKeyId }: EncryptionAsked,
  { parts, caller }: Pick<AwsContext, "caller" | "parts">,
): KmsKeyRecord | typeof ownKeyAlias | undefined {
  if (KmsKeyId === undefined) return undefined;
  if (Encrypted !== true)
    throw new AwsError(
      "InvalidParameterDependency",
      400,
      "The parameter KmsKeyId requires the parameter Encrypted to be set.",
    );
  if (isOwnAlias(KmsKeyId)) return ownKeyAlias;
  return parts.volumeKeys.find(KmsKeyId, caller);
}
