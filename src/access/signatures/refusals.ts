import { AwsError } from "#/model/aws-error.ts";

export const skewMsMax = 15 * 60_000;
export const expiresMaxSeconds = 7 * 24 * 3600;

type Words = Record<string, string>;

/** S3 has its own names for what all other services say in the same words. */
const isS3 = (service: string) => service === "s3";

const s3 = (code: string, status: number, message: string, fields?: Words) =>
  new AwsError(code, status, message, fields ? { fields } : {});

const signatureMessage =
  "The request signature we calculated does not match the signature you provided. Check your key and signing method.";

/** Every way in which a signature is refused, as S3 documents it, and as the other services do. */
export const refuse = {
  twoWays: () =>
    s3(
      "InvalidArgument",
      400,
      "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter or the Authorization header should be specified",
      { ArgumentName: "Authorization" },
    ),
  oldVersion: () =>
    s3(
      "InvalidRequest",
      400,
      "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.",
    ),
  malformedOldHeader: (header: string) =>
    s3(
      "InvalidArgument",
      400,
      "AWS authorization header is invalid.  Expected AwsAccessKeyId:signature",
      { ArgumentName: "Authorization", ArgumentValue: header.split(":", 1)[0]! },
    ),
  incompleteOldQuery: () =>
    s3(
      "AccessDenied",
      403,
      "Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters",
    ),
  badExpires: (value: string) =>
    s3("AccessDenied", 403, `Invalid date (should be seconds since epoch): ${value}`),
  oldExpired: (untilMs: number, nowMs: number) =>
    s3("AccessDenied", 403, "Request has expired", {
      Expires: new Date(untilMs).toISOString(),
      ServerTime: new Date(nowMs).toISOString(),
    }),
  oldMismatch: (accessKeyId: string, stringToSign: string, signature: string) =>
    s3("SignatureDoesNotMatch", 403, signatureMessage, {
      AWSAccessKeyId: accessKeyId,
      StringToSign: stringToSign,
      SignatureProvided: signature,
      StringToSignBytes: hexOf(stringToSign),
    }),
  unsupportedType: (header: string) =>
    s3("InvalidArgument", 400, "Unsupported Authorization Type", {
      ArgumentName: "Authorization",
      ArgumentValue: header.split(" ", 1)[0]!,
    }),
  malformedHeader: (service: string, reason: string, fields?: Words) =>
    isS3(service)
      ? s3(
          "AuthorizationHeaderMalformed",
          400,
          `The authorization header is malformed; ${reason}`,
          fields,
        )
      : s3("IncompleteSignature", 400, `The authorization header is malformed: ${reason}`),
  malformedQuery: (service: string, reason: string) =>
    isS3(service)
      ? s3("AuthorizationQueryParametersError", 400, reason)
      : s3("IncompleteSignature", 400, reason),
  noDate: () =>
    s3("AccessDenied", 403, "AWS authentication requires a valid Date or x-amz-date header"),
  unknownKey: (service: string, accessKeyId: string) =>
    isS3(service)
      ? s3(
          "InvalidAccessKeyId",
          403,
          "The AWS Access Key Id you provided does not exist in our records.",
          { AWSAccessKeyId: accessKeyId },
        )
      : s3("InvalidClientTokenId", 403, "The security token included in the request is invalid."),
  invalidToken: (service: string) =>
    isS3(service)
      ? s3("InvalidToken", 400, "The provided token is malformed or otherwise invalid.")
      : s3("InvalidClientTokenId", 403, "The security token included in the request is invalid"),
  expiredToken: (service: string) =>
    isS3(service)
      ? s3("ExpiredToken", 400, "The provided token has expired.")
      : s3("ExpiredToken", 403, "The security token included in the request is expired"),
  skewed: (service: string, at: string, nowMs: number) =>
    isS3(service)
      ? s3(
          "RequestTimeTooSkewed",
          403,
          "The difference between the request time and the current time is too large.",
          {
            RequestTime: at,
            ServerTime: new Date(nowMs).toISOString(),
            MaxAllowedSkewMilliseconds: String(skewMsMax),
          },
        )
      : s3(
          "SignatureDoesNotMatch",
          403,
          `Signature not current: ${at} is more than 15 min from now`,
        ),
  expired: (service: string, expiresSeconds: number, untilMs: number, nowMs: number) =>
    s3(isS3(service) ? "AccessDenied" : "SignatureDoesNotMatch", 403, "Request has expired", {
      "X-Amz-Expires": String(expiresSeconds),
      Expires: new Date(untilMs).toISOString(),
      ServerTime: new Date(nowMs).toISOString(),
    }),
  notYet: (service: string) =>
    s3(isS3(service) ? "AccessDenied" : "SignatureDoesNotMatch", 403, "Request is not valid yet"),
  unsigned: (header: string) =>
    s3("AccessDenied", 403, "There were headers present in the request which were not signed", {
      HeadersNotSigned: header,
    }),
  unsignedElsewhere: (header: string) =>
    s3(
      "SignatureDoesNotMatch",
      403,
      header === "host"
        ? "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."
        : `'${header}' must be a 'SignedHeader' in the AWS Authorization.`,
    ),
  /** What was signed is told, as S3 does: without it nobody finds the difference. Nothing in it is secret. */
  mismatch: (
    service: string,
    told: { accessKeyId: string; canonical: string; stringToSign: string; signature: string },
  ) =>
    s3("SignatureDoesNotMatch", 403, signatureMessage, {
      ...(isS3(service) && {
        AWSAccessKeyId: told.accessKeyId,
        StringToSign: told.stringToSign,
        SignatureProvided: told.signature,
        StringToSignBytes: hexOf(told.stringToSign),
        CanonicalRequest: told.canonical,
        CanonicalRequestBytes: hexOf(told.canonical),
      }),
    }),
  noContentHash: () =>
    s3("InvalidRequest", 400, "Missing required header for this request: x-amz-content-sha256"),
  badContentHash: (value: string) =>
    s3(
      "InvalidArgument",
      400,
      "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER, STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD, STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER or a valid sha256 value.",
      { ArgumentName: "x-amz-content-sha256", ArgumentValue: value },
    ),
  contentMismatch: (claimed: string, computed: string) =>
    s3(
      "XAmzContentSHA256Mismatch",
      400,
      "The provided 'x-amz-content-sha256' header does not match what was computed.",
      { ClientComputedContentSHA256: claimed, S3ComputedContentSHA256: computed },
    ),
  noDecodedLength: () =>
    s3("MissingContentLength", 411, "You must provide the Content-Length HTTP header."),
  incompleteBody: () => s3("IncompleteBody", 400, "The request body terminated unexpectedly"),
  badChunk: () => s3("InvalidRequest", 400, "The chunks of the body are malformed"),
  chunkMismatch: () => s3("SignatureDoesNotMatch", 403, signatureMessage),
  smallChunk: (number: number, sizeBytes: number) =>
    s3(
      "InvalidChunkSizeError",
      403,
      "Only the last chunk is allowed to have a size less than 8192 bytes",
      {
        Chunk: String(number),
        BadChunkSize: String(sizeBytes),
      },
    ),
  badTrailer: () =>
    s3(
      "MalformedTrailerError",
      400,
      "The request contained trailing data that was not well-formed or did not conform to our published schema.",
    ),
};

function hexOf(text: string): string {
  return Buffer.from(text, "latin1")
    .toString("hex")
    .replaceAll(/..(?=.)/g, "$& ");
}
