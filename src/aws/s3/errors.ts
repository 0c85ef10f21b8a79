import { AwsError } from "#/model/aws-error.ts";

// Errors of S3 that more than one operation gives, worded as S3 words them.

export function invalidArgument(message: string, name: string, value = ""): AwsError {
  return new AwsError("InvalidArgument", 400, message, {
    fields: { ArgumentName: name, ArgumentValue: value },
  });
}

export const invalidRequest = (message: string): AwsError =>
  new AwsError("InvalidRequest", 400, message);

export const missingContentLength = (): AwsError =>
  new AwsError("MissingContentLength", 411, "You must provide the Content-Length HTTP header.");

export const malformedXml = (): AwsError =>
  new AwsError(
    "MalformedXML",
    400,
    "The XML you provided was not well-formed or did not validate against our published schema",
  );

export const accessDenied = (message = "Access Denied"): AwsError =>
  new AwsError("AccessDenied", 403, message);

export const noSuchKey = (key: string, headers?: Record<string, string>): AwsError =>
  new AwsError("NoSuchKey", 404, "The specified key does not exist.", {
    fields: { Key: key },
    ...(headers && { headers }),
  });

export const noSuchVersion = (key: string, versionId: string): AwsError =>
  new AwsError("NoSuchVersion", 404, "The specified version does not exist.", {
    fields: { Key: key, VersionId: versionId },
  });

export const noSuchUpload = (uploadId: string): AwsError =>
  new AwsError(
    "NoSuchUpload",
    404,
    "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.",
    { fields: { UploadId: uploadId } },
  );

export const methodNotAllowed = (
  method: string,
  resourceType: string,
  headers?: Record<string, string>,
): AwsError =>
  new AwsError(
    "MethodNotAllowed",
    405,
    "The specified method is not allowed against this resource.",
    { fields: { Method: method, ResourceType: resourceType }, ...(headers && { headers }) },
  );

export const preconditionFailed = (condition: string): AwsError =>
  new AwsError(
    "PreconditionFailed",
    412,
    "At least one of the pre-conditions you specified did not hold",
    { fields: { Condition: condition } },
  );

export const headerNotImplemented = (header: string): AwsError =>
  new AwsError(
    "NotImplemented",
    501,
    "A header you provided implies functionality that is not implemented",
    { fields: { Header: header } },
  );

export const entityTooLarge = (proposed: number, max: number): AwsError =>
  new AwsError("EntityTooLarge", 400, "Your proposed upload exceeds the maximum allowed size", {
    fields: { ProposedSize: String(proposed), MaxSizeAllowed: String(max) },
  });

export const incompleteBody = (): AwsError =>
  new AwsError(
    "IncompleteBody",
    400,
    "You did not provide the number of bytes specified by the Content-Length HTTP header",
  );

/** Of a checksum, by its algorithm. */
export const badDigest = (what: string): AwsError =>
  new AwsError(
    "BadDigest",
    400,
    `The ${what} you specified did not match the calculated checksum.`,
  );
