import type { S3Client, S3ServiceException } from "@aws-sdk/client-s3";
import { CanopyError, messageOf } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import { AwsError } from "#/model/aws-error.ts";
import { Missing } from "../big-bytes.ts";
import type { RemoteAddress } from "./address.ts";

export interface RemoteCredentials {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string;
}

type Sdk = typeof import("@aws-sdk/client-s3");

export interface RemoteParts {
  address: RemoteAddress;
  credentials: RemoteCredentials;
  owner: string;
  /** After which silence the cluster counts as away; that of `limits` where none is given. */
  answerMs?: number;
}

/** A bucket in a cluster, open. */
export interface Remote {
  sdk: Sdk;
  client: S3Client;
  bucket: string;
  prefix: string;
}

/** Makes the prefix this store's own. Throws CanopyError "conflict" where it is another's, AwsError 503 while the cluster is away. */
export async function openRemote(parts: RemoteParts): Promise<Remote> {
  const { address, credentials, owner, answerMs = limits.remoteAnswerMs } = parts;
  const { bucket, prefix, endpoint, region } = address;
  const sdk = await import("@aws-sdk/client-s3");
  const client = new sdk.S3Client({
    endpoint,
    region,
    credentials,
    forcePathStyle: true,
    maxAttempts: limits.remoteTriesMax,
    requestHandler: {
      connectionTimeout: limits.remoteConnectMs,
      socketTimeout: answerMs,
    },
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
  });
  client.middlewareStack.add(
    (next) => async (args) => {
      try {
        return await next(args);
      } catch (thrown) {
        throw isSilence(thrown) ? new Silence((thrown as Error).message) : thrown;
      }
    },
    { step: "deserialize", priority: "high", name: "silence" },
  );
  const remote = { sdk, client, bucket, prefix };
  try {
    await claim(remote, owner);
    await abortUploads(remote);
    return remote;
  } catch (thrown) {
    client.destroy();
    throw thrown;
  }
}

/** A cluster that took a call and said nothing: who waited so long already is not made to wait for another try. */
class Silence extends Error {}

const isSilence = (thrown: unknown): boolean =>
  thrown instanceof Error &&
  thrown.name === "TimeoutError" &&
  / of inactivity/.test(thrown.message);

/** Throws CanopyError "conflict" where another store keeps its bytes: each would take those of the other for leftovers. */
async function claim({ sdk, client, bucket, prefix }: Remote, owner: string): Promise<void> {
  const place = { Bucket: bucket, Key: `${prefix}owner` };
  const found = await asked(async () => {
    const answer = await client.send(new sdk.GetObjectCommand(place));
    return answer.Body!.transformToString();
  }).catch((thrown: unknown) => {
    if (thrown instanceof Missing) return undefined;
    throw thrown;
  });
  if (found === owner) return;
  if (found !== undefined) {
    throw new CanopyError(
      "conflict",
      `Cannot keep objects in the bucket '${bucket}' as its prefix '${prefix}' must be free or this store's own: it is that of the store ${found}`,
      { hint: "Choose another prefix: --objects s3://BUCKET/PREFIX?endpoint=URL" },
    );
  }
  await asked(() => client.send(new sdk.PutObjectCommand({ ...place, Body: owner })));
}

/** Of a process that ended: nothing of this one is on its way yet. */
async function abortUploads({ sdk, client, bucket: Bucket, prefix }: Remote): Promise<void> {
  const Prefix = `${prefix}${bytesFolder}`;
  const { Uploads = [] } = await asked(() =>
    client.send(new sdk.ListMultipartUploadsCommand({ Bucket, Prefix })),
  );
  for (const { Key, UploadId } of Uploads)
    await asked(() => client.send(new sdk.AbortMultipartUploadCommand({ Bucket, Key, UploadId })));
}

export const bytesFolder = "bytes/";

/** In the order of the numbers. */
export function keyOf({ prefix }: Remote, number: number): string {
  return `${prefix}${bytesFolder}${number.toString(16).padStart(14, "0")}`;
}

/** Says of the cluster's errors what they mean here: what is missing, and that it is away. */
export async function asked<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    const { name, $metadata } = thrown as S3ServiceException;
    const status = $metadata?.httpStatusCode;
    if (name === "NoSuchKey" || (status === 404 && name !== "NoSuchBucket"))
      throw new Missing("the cluster does not have its bytes");
    const why =
      status === undefined ? messageOf(thrown) : `${status} ${name}: ${messageOf(thrown)}`;
    throw new AwsError(
      "ServiceUnavailable",
      503,
      "The cluster that holds the bytes of objects does not answer as it should; try again.",
      { cause: new Error(why, { cause: thrown }) },
    );
  }
}
