import { CanopyError, type ErrorCode } from "#/base/errors.ts";

const codes: Record<number, ErrorCode> = {
  401: "unauthenticated",
  403: "forbidden",
  404: "not-found",
  409: "conflict",
  412: "conflict",
  413: "too-large",
  429: "limited",
  500: "internal",
  503: "unavailable",
  507: "no-space",
};

const ofWords: readonly (readonly [RegExp, ErrorCode])[] = [
  [/\.NotFound$/, "not-found"],
  [/^(IncorrectState|IncorrectInstanceState|VolumeInUse|.+\.(InUse|Duplicate))$/, "conflict"],
  [/^OperationNotPermitted$/, "forbidden"],
  [/^InsufficientInstanceCapacity$|^InsufficientFree|LimitExceeded$/, "no-capacity"],
];

/** EC2 says 400 for most, and means it by its words. */
function codeOf(awsCode: string, status: number): ErrorCode {
  const said = ofWords.find(([words]) => words.test(awsCode))?.[1];
  return (status === 400 || status === 500 ? said : undefined) ?? codes[status] ?? "invalid";
}

/**
 * An error that AWS documents, by the code and the status that its clients act on. On the native door it
 * is an error as any other.
 */
export class AwsError extends CanopyError {
  /** As documented: "NoSuchKey", "SignatureDoesNotMatch". */
  readonly awsCode: string;
  readonly status: number;
  /** What else the document of the error tells: BucketName, Key, MaxSizeAllowed … */
  readonly fields: Readonly<Record<string, string>>;
  /** Headers that the answer has beside the usual ones. */
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    awsCode: string,
    status: number,
    message: string,
    more: {
      fields?: Record<string, string>;
      headers?: Record<string, string>;
      hint?: string;
      cause?: unknown;
    } = {},
  ) {
    super(codeOf(awsCode, status), message, more);
    this.name = "AwsError";
    this.awsCode = awsCode;
    this.status = status;
    this.fields = more.fields ?? {};
    this.headers = more.headers ?? {};
  }
}
