import { AwsError } from "#/model/aws-error.ts";

const sqliteFull = 13;

/** Whether it says that the disk is full, of a file or of SQLite. */
export function isFull(thrown: unknown): boolean {
  const { code, errcode } = thrown as { code?: unknown; errcode?: unknown };
  return code === "ENOSPC" || code === "EDQUOT" || errcode === sqliteFull;
}

export function noSpace(cause?: unknown): AwsError {
  return new AwsError(
    "InsufficientStorage",
    507,
    "Cannot keep this object as the disk is full; try again when there is space",
    { cause },
  );
}

export const noSuchKey = (key: string) =>
  new AwsError("NoSuchKey", 404, "The specified key does not exist.", { fields: { Key: key } });

/** The key was there all the time: clients of S3 try such an answer again, and find what took its place. */
export const replacedMeanwhile = (key: string) =>
  new AwsError(
    "ServiceUnavailable",
    503,
    "The object was replaced before it could be read. Please try again.",
    { fields: { Key: key }, headers: { "retry-after": "1" } },
  );

export const noSuchVersion = (key: string, versionId: string) =>
  new AwsError("NoSuchVersion", 404, "The specified version does not exist.", {
    fields: { Key: key, VersionId: versionId },
  });

export const noSuchUpload = (uploadId: string) =>
  new AwsError(
    "NoSuchUpload",
    404,
    "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.",
    { fields: { UploadId: uploadId } },
  );

export const preconditionFailed = (condition: string) =>
  new AwsError(
    "PreconditionFailed",
    412,
    "At least one of the pre-conditions you specified did not hold",
    { fields: { Condition: condition } },
  );

export const badDigest = (what: string) =>
  new AwsError(
    "BadDigest",
    400,
    `The ${what} you specified did not match the calculated checksum.`,
  );

export const locked = () =>
  new AwsError("AccessDenied", 403, "Access Denied because object protected by object lock.");

/** What is on disk is not what was put there. Never wrong bytes instead. */
export const damagedObject = (key: string, what: string) =>
  new AwsError("InternalError", 500, `The object cannot be read as ${what}.`, {
    fields: { Key: key },
  });

export const bucketNotEmpty = () =>
  new AwsError("BucketNotEmpty", 409, "The bucket you tried to delete is not empty");

export const invalidPart = (number: number) =>
  new AwsError(
    "InvalidPart",
    400,
    "One or more of the specified parts could not be found. The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.",
    { fields: { PartNumber: String(number) } },
  );

export const invalidPartOrder = () =>
  new AwsError(
    "InvalidPartOrder",
    400,
    "The list of parts was not in ascending order. The parts list must be specified in order by part number.",
  );

export const entityTooSmall = (number: number, sizeBytes: number, minBytes: number) =>
  new AwsError(
    "EntityTooSmall",
    400,
    "Your proposed upload is smaller than the minimum allowed object size.",
    {
      fields: {
        PartNumber: String(number),
        ProposedSize: String(sizeBytes),
        MinSizeAllowed: String(minBytes),
      },
    },
  );
