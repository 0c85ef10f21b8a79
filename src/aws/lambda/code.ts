import type { FunctionCode as Asked } from "@aws-sdk/client-lambda";
import { limits } from "#/base/limits.ts";
import { BadZip, zipInMemory, type ZipSource } from "#/functions/zip.ts";
import { AwsError } from "#/model/aws-error.ts";
import type { FunctionCode } from "#/model/function.ts";
import type { AwsContext } from "../call.ts";
import { openKey } from "../s3/keys.ts";
import { mayDo, missing } from "../s3/permission.ts";
import { invalidParameter, lambdaError } from "./errors.ts";

/** Where code comes from, as CreateFunction and UpdateFunctionCode say it. */
export type CodeAsked = Pick<
  Asked,
  "ZipFile" | "S3Bucket" | "S3Key" | "S3ObjectVersion" | "ImageUri"
>;

/** Keeps the code of a function. Throws what Lambda says of archives that are not taken, and of objects that may not be read. */
export async function keptCode(
  asked: CodeAsked,
  context: AwsContext,
  project = context.caller.project,
): Promise<FunctionCode> {
  const zip = await zipOf(asked, context);
  return inWords(() => context.parts.functions.keepCode(project, zip));
}

/** The same of code that is only tried. */
export async function triedCode(asked: CodeAsked, context: AwsContext): Promise<FunctionCode> {
  const zip = await zipOf(asked, context);
  return inWords(() => context.parts.functions.codeOf(zip));
}

/** The archive that is asked for, which is looked at later. */
async function zipOf(asked: CodeAsked, context: AwsContext): Promise<ZipSource> {
  const { ZipFile, S3Bucket, S3Key, S3ObjectVersion, ImageUri } = asked;
  if (ImageUri !== undefined)
    throw invalidParameter(
      "Functions of container images are not there yet: give the code as a zip archive, by ZipFile or by S3Bucket and S3Key.",
    );
  const isOfObject = S3Bucket !== undefined || S3Key !== undefined || S3ObjectVersion !== undefined;
  if (ZipFile) {
    if (isOfObject)
      throw invalidParameter(
        "Please do not provide other FunctionCode parameters when providing a ZipFile.",
      );
    return zipOfRequest(ZipFile, context);
  }
  if (S3Bucket === undefined || S3Key === undefined)
    throw invalidParameter("Please provide a source for function code.");
  return zipOfObject({ bucket: S3Bucket, key: S3Key, versionId: S3ObjectVersion }, context);
}

function zipOfRequest(bytes: Uint8Array, { operation }: AwsContext): ZipSource {
  if (bytes.length === 0) throw invalidParameter("Uploaded file must be a non-empty zip");
  if (bytes.length > limits.functionZipBytesMax)
    throw lambdaError(
      "RequestEntityTooLargeException",
      413,
      `Request must be smaller than ${limits.functionRequestBytesMax} bytes for the ${operation} operation`,
    );
  return zipInMemory(bytes);
}

/** An object of this cloud's buckets, read as whoever calls may read it. */
async function zipOfObject(
  asked: { bucket: string; key: string; versionId: string | undefined },
  context: AwsContext,
): Promise<ZipSource> {
  try {
    const { parts } = context;
    const { key, versionId } = asked;
    const bucket = parts.buckets.get(asked.bucket);
    const place = { bucket: bucket.spec.id, key };
    const found = await parts.store.find(place, versionId);
    const action = versionId === undefined ? "GetObject" : "GetObjectVersion";
    if (!mayDo(context, bucket, action, key, { found, versionId }))
      throw new AwsError("AccessDenied", 403, "Access Denied");
    if (!found || "isDeleteMarker" in found) throw missing(context, bucket, key, versionId);
    if (found.sizeBytes > limits.functionUnpackedBytesMax) throw tooLarge();
    if (found.encryption?.mode === "SSE-C")
      throw invalidParameter("An object whose key is its owner's alone (SSE-C) cannot be code.");
    const opened = openKey({ context, bucket, key }, found.encryption);
    return {
      sizeBytes: found.sizeBytes,
      read: (start, end) =>
        parts.store.read(place, found, { range: { start, end }, ...(opened && { key: opened }) }),
    };
  } catch (thrown) {
    throw inWordsOfObject(thrown, asked);
  }
}

function inWordsOfObject(thrown: unknown, { bucket, key }: { bucket: string; key: string }) {
  if (!(thrown instanceof AwsError) || thrown.awsCode.endsWith("Exception")) return thrown;
  const { awsCode, message } = thrown;
  const said = `S3 Error Code: ${awsCode}. S3 Error Message: ${message}`;
  return awsCode === "AccessDenied"
    ? lambdaError(
        "AccessDeniedException",
        403,
        `Your access has been denied by S3, please make sure your request credentials have permission to GetObject for ${bucket}/${key}. ${said}`,
      )
    : invalidParameter(`Error occurred while GetObject. ${said}`);
}

async function inWords<T>(keep: () => Promise<T>): Promise<T> {
  try {
    return await keep();
  } catch (thrown) {
    if (!(thrown instanceof BadZip)) throw thrown;
    if (thrown.reason === "too-large") throw tooLarge();
    throw thrown.reason === "empty"
      ? invalidParameter("Uploaded file must be a non-empty zip")
      : invalidParameter(
          `Could not unzip uploaded file. Please check your file, then try to upload again: ${thrown.message}`,
        );
  }
}

const tooLarge = () =>
  invalidParameter(`Unzipped size must be smaller than ${limits.functionUnpackedBytesMax} bytes`);
