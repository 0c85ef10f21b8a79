import { CanopyError, messageOf } from "#/base/errors.ts";
import type { Log } from "#/base/log.ts";
import { AwsError } from "#/model/aws-error.ts";
import type { ProtocolName } from "./protocols/protocol.ts";

/** Whatever was thrown as an error that clients of AWS know. What nobody foresaw is told to the operator, and to nobody else. */
export function asAwsError(thrown: unknown, log: Log, operation: string): AwsError {
  if (thrown instanceof AwsError) return thrown;
  if (!(thrown instanceof CanopyError)) {
    log.error("a call of the AWS door failed", {
      operation,
      error: thrown instanceof Error ? (thrown.stack ?? thrown.message) : messageOf(thrown),
    });
    return internal();
  }
  const { code, message, retryAfterMs } = thrown;
  const more = {
    cause: thrown,
    ...(retryAfterMs !== undefined && {
      headers: { "retry-after": String(Math.max(1, Math.ceil(retryAfterMs / 1000))) },
    }),
  };
  switch (code) {
    case "unauthenticated":
    case "forbidden":
      return new AwsError("AccessDenied", 403, message, more);
    case "not-found":
      return new AwsError("NoSuchEntity", 404, message, more);
    case "conflict":
      return new AwsError("OperationAborted", 409, message, more);
    case "too-large":
      return new AwsError("EntityTooLarge", 400, message, more);
    case "limited":
      return new AwsError("SlowDown", 503, message, more);
    case "unavailable":
    case "no-capacity":
    case "timeout":
      return new AwsError("ServiceUnavailable", 503, message, {
        ...more,
        headers: { "retry-after": "1", ...more.headers },
      });
    case "no-space":
      return new AwsError("InsufficientStorage", 507, message, more);
    case "invalid":
    case "infeasible":
      return new AwsError("InvalidRequest", 400, message, more);
    default:
      log.error("a call of the AWS door failed", { operation, error: message });
      return internal();
  }
}

function internal(): AwsError {
  return new AwsError("InternalError", 500, "We encountered an internal error. Please try again.");
}

type Words = Record<string, [code: string, status: number]>;

const ofQuery: Words = {
  InternalError: ["InternalFailure", 500],
  SlowDown: ["Throttling", 400],
  EntityTooLarge: ["RequestEntityTooLarge", 413],
  InsufficientStorage: ["ServiceUnavailable", 503],
};

const ofEc2: Words = {
  ...ofQuery,
  AccessDenied: ["UnauthorizedOperation", 403],
  InvalidClientTokenId: ["AuthFailure", 401],
  SignatureDoesNotMatch: ["AuthFailure", 401],
  IncompleteSignature: ["AuthFailure", 401],
  MissingAuthenticationToken: ["AuthFailure", 401],
  ExpiredToken: ["RequestExpired", 400],
  InternalError: ["InternalError", 500],
  ServiceUnavailable: ["Unavailable", 503],
  InsufficientStorage: ["Unavailable", 503],
  SlowDown: ["RequestLimitExceeded", 503],
};

const ofJson: Words = {
  AccessDenied: ["AccessDeniedException", 400],
  InvalidClientTokenId: ["UnrecognizedClientException", 400],
  SignatureDoesNotMatch: ["InvalidSignatureException", 400],
  IncompleteSignature: ["IncompleteSignatureException", 400],
  MissingAuthenticationToken: ["MissingAuthenticationTokenException", 400],
  ExpiredToken: ["ExpiredTokenException", 400],
  InvalidRequest: ["ValidationException", 400],
  InternalError: ["InternalFailure", 500],
  ServiceUnavailable: ["ServiceUnavailableException", 503],
  InsufficientStorage: ["ServiceUnavailableException", 503],
  SlowDown: ["ThrottlingException", 400],
  EntityTooLarge: ["RequestEntityTooLargeException", 413],
};

const ofRestJson: Words = {
  ...ofJson,
  AccessDenied: ["AccessDeniedException", 403],
  InvalidClientTokenId: ["UnrecognizedClientException", 403],
  SignatureDoesNotMatch: ["InvalidSignatureException", 403],
  MissingAuthenticationToken: ["MissingAuthenticationTokenException", 403],
  ExpiredToken: ["ExpiredTokenException", 403],
  SlowDown: ["TooManyRequestsException", 429],
};

const words: Record<ProtocolName, Words> = {
  restXml: {},
  awsQuery: ofQuery,
  ec2Query: ofEc2,
  awsJson1_0: ofJson,
  awsJson1_1: ofJson,
  restJson: ofRestJson,
};

/** What all services know under S3's name, in the words of a protocol. */
export function inWordsOf(protocol: ProtocolName, error: AwsError): AwsError {
  const [code, status] = words[protocol][error.awsCode] ?? [];
  if (code === undefined || status === undefined) return error;
  return new AwsError(code, status, error.message, { headers: error.headers, cause: error });
}
