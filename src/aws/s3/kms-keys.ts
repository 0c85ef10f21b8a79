import { AwsError } from "#/model/aws-error.ts";
import { kmsKeyArn, type KmsKeyRecord } from "#/model/kms.ts";
import type { PutOptions } from "#/objects/object-store.ts";
import type { ObjectEncryption } from "#/objects/object-version.ts";
import { contextConditions } from "../kms/context-conditions.ts";
import { askOfKey } from "../kms/key-in.ts";
import type { ObjectCall } from "./call.ts";
import type { WantedEncryption } from "./headers/encryption.ts";

/**
 * Keys of objects that are encrypted under a key of the key service (SSE-KMS): a data key of the object's own, itself
 * encrypted. The caller must be allowed to use the key, to put as well as to get.
 */
export async function newKmsKey(
  call: ObjectCall,
  { mode, kmsKeyId, kmsContext, isBucketKey }: WantedEncryption,
): Promise<NonNullable<PutOptions["encryption"]>> {
  const { parts } = call.context;
  const record = await asS3Says(() => keyNamed(call, kmsKeyId));
  authorize(call, record, "kms:GenerateDataKey", kmsContext);
  const key = parts.random.bytes(32);
  const sealed = await asS3Says(async () => {
    parts.kms.requireUsable(record, parts.region);
    return parts.kms.encrypt(record, key, contextOf(call.place.bucket, kmsContext));
  });
  return {
    key,
    about: {
      mode,
      kmsKeyId: kmsKeyArn(record.spec, parts.region),
      ...(kmsContext !== undefined && { kmsContext }),
      ...(isBucketKey !== undefined && { isBucketKey }),
      sealedKey: Buffer.from(sealed).toString("base64"),
    },
  };
}

/** Where an object is whose key is asked for: policies of keys look at that. */
export type SealedPlace = Pick<ObjectCall, "context" | "bucket" | "key">;

/** The key of what is there. Throws "AccessDenied", "KMS.DisabledException" and their like. */
export function openKmsKey(
  place: SealedPlace,
  { sealedKey, kmsContext }: ObjectEncryption,
): Uint8Array {
  const { kms, region } = place.context.parts;
  const blob = Buffer.from(sealedKey!, "base64");
  try {
    const record = kms.keyOf(blob);
    authorize(place, record, "kms:Decrypt", kmsContext);
    kms.requireUsable(record, region);
    return kms.decrypt(record, blob, contextOf(place.bucket.spec.id, kmsContext));
  } catch (thrown) {
    throw inS3sWords(thrown);
  }
}

/** The one that a call or a bucket names; else the one that S3 has for itself in the caller's account. */
async function keyNamed(call: ObjectCall, kmsKeyId: string | undefined): Promise<KmsKeyRecord> {
  const { parts, caller } = call.context;
  const { project, spec } = call.bucket;
  const account = caller.kind === "anonymous" ? { project, accountId: spec.accountId } : caller;
  if (kmsKeyId === undefined || kmsKeyId === "alias/aws/s3")
    return parts.kms.serviceKey(account, "s3");
  return parts.kms.find(kmsKeyId, account, parts.region);
}

function authorize(
  { context, bucket, key }: SealedPlace,
  record: KmsKeyRecord,
  action: string,
  kmsContext: string | undefined,
): void {
  // Where the object is, no client says otherwise, however it writes the name.
  const said = Object.entries(saidContext(kmsContext)).filter(
    ([name]) => name.toLowerCase() !== "aws:s3:arn",
  );
  context.authorize(
    askOfKey(record, context, {
      action,
      conditions: {
        "kms:ViaService": `s3.${context.parts.region}.amazonaws.com`,
        ...contextConditions({
          ...Object.fromEntries(said),
          "aws:s3:arn": `arn:aws:s3:::${bucket.name}/${key}`,
        }),
      },
    }),
  );
}

/** What the data key is bound to: its bucket, which never changes, and what the client said. */
function contextOf(bucketId: string, kmsContext: string | undefined): Record<string, string> {
  return { ...saidContext(kmsContext), "aws:s3:arn": bucketId };
}

function saidContext(kmsContext: string | undefined): Record<string, string> {
  if (kmsContext === undefined) return {};
  return JSON.parse(Buffer.from(kmsContext, "base64").toString("utf8")) as Record<string, string>;
}

async function asS3Says<T>(run: () => T | Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (thrown) {
    throw inS3sWords(thrown);
  }
}

/** S3 puts the service's name before what the key service says. */
function inS3sWords(thrown: unknown): unknown {
  if (!(thrown instanceof AwsError) || !thrown.awsCode.endsWith("Exception")) return thrown;
  const code = thrown.awsCode.startsWith("KMS") ? thrown.awsCode.slice(3) : thrown.awsCode;
  return new AwsError(`KMS.${code}`, 400, thrown.message, { cause: thrown });
}
