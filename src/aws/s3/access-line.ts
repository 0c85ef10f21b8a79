import type { ServerResponse } from "node:http";
import { canonicalUserIdOf } from "#/model/account.ts";
import { AwsError } from "#/model/aws-error.ts";
import type { BucketRecord } from "#/model/bucket.ts";
import type { AwsCall } from "../aws-call.ts";
import { hostId } from "../protocols/rest-xml.ts";

/** A request as the access log of its bucket has it. https://docs.aws.amazon.com/AmazonS3/latest/userguide/LogFormat.html */
export function accessLine(
  call: AwsCall,
  bucket: BucketRecord,
  { startedMs, endedMs, thrown }: { startedMs: number; endedMs: number; thrown: unknown },
): string {
  const { request, response, target, requestId, verified, sourceIp } = call;
  const { headers } = request;
  const isSigned = verified.way !== "anonymous";
  const head = headOf(response);
  const ms = String(endedMs - startedMs);
  return [
    canonicalUserIdOf(bucket.spec.accountId),
    bucket.name,
    `[${clfTime(startedMs)}]`,
    sourceIp || "-",
    isSigned ? requesterOf(call) : "-",
    requestId,
    operationOf(call),
    target.key === undefined ? "-" : encodeURIComponent(target.key).replaceAll("%2F", "/"),
    quoted(`${request.method} ${withoutSecrets(request.url ?? "")} HTTP/${request.httpVersion}`),
    String(response.statusCode),
    thrown === undefined ? "-" : thrown instanceof AwsError ? thrown.awsCode : "InternalError",
    request.method === "HEAD" ? "-" : (head.length ?? "-"),
    sizeOf(call, head) ?? "-",
    ms,
    ms,
    quoted(headers.referer ?? "-"),
    quoted(headers["user-agent"] ?? "-"),
    head.versionId ?? "-",
    hostId(requestId),
    isSigned ? `SigV${verified.version ?? 4}` : "-",
    "-",
    ways[verified.way] ?? "-",
    /^[\w.:[\]-]+$/.test(headers.host ?? "") ? headers.host! : "-",
    "-",
    "-",
    "-",
    bucket.spec.region,
  ].join(" ");
}

/** A form is neither: its signature is one of its fields. */
const ways: Partial<Record<AwsCall["verified"]["way"], string>> = {
  header: "AuthHeader",
  query: "QueryString",
};

/** Of an account its canonical id; of all others their ARN. */
function requesterOf({ caller }: AwsCall): string {
  return caller.kind === "account" ? canonicalUserIdOf(caller.accountId) : caller.arn;
}

const months = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");

/** "06/Feb/2019:00:00:38 +0000". */
function clfTime(at: number): string {
  const [date = "", time = ""] = new Date(at).toISOString().split("T");
  const [year, month, day] = date.split("-");
  return `${day}/${months[Number(month) - 1]}/${year}:${time.slice(0, 8)} +0000`;
}

/** What S3 calls a request: most by what they are about, some by names of old. */
const resources: Record<string, string> = {
  DeleteObjects: "MULTI_OBJECT_DELETE",
  CreateMultipartUpload: "UPLOADS",
  CompleteMultipartUpload: "UPLOAD",
  AbortMultipartUpload: "UPLOAD",
  ListParts: "UPLOAD",
  ListMultipartUploads: "UPLOADS",
  UploadPart: "PART",
  UploadPartCopy: "PART_COPY",
  ListObjectVersions: "BUCKETVERSIONS",
  GetBucketLogging: "LOGGING_STATUS",
  PutBucketLogging: "LOGGING_STATUS",
  CopyObject: "OBJECT_COPY",
  Preflight: "PREFLIGHT",
};

const parts: readonly [pattern: RegExp, resource: string][] = [
  [/Acl$/, "ACL"],
  [/ObjectTagging$/, "OBJECT_TAGGING"],
  [/BucketTagging$/, "BUCKETTAGGING"],
  [/BucketPolicy$/, "BUCKETPOLICY"],
  [/PolicyStatus$/, "BUCKETPOLICYSTATUS"],
  [/Versioning$/, "VERSIONING"],
  [/Cors$/, "CORS"],
  [/Lifecycle/, "LIFECYCLE"],
  [/Location$/, "LOCATION"],
  [/Notification/, "NOTIFICATION"],
  [/Website$/, "WEBSITE"],
  [/Encryption$/, "ENCRYPTION"],
  [/Inventory/, "INVENTORY"],
  [/PublicAccessBlock$/, "PUBLIC_ACCESS_BLOCK"],
  [/OwnershipControls$/, "OWNERSHIP_CONTROLS"],
  [/ObjectLockConfiguration$/, "OBJECT_LOCK_CONFIGURATION"],
  [/RequestPayment$/, "REQUEST_PAYMENT"],
];

function operationOf({ operation, target, request }: AwsCall): string {
  const resource =
    resources[operation] ??
    parts.find(([pattern]) => pattern.test(operation))?.[1] ??
    (target.key === undefined ? "BUCKET" : "OBJECT");
  return `${operation === "Website" ? "WEBSITE" : "REST"}.${request.method}.${operation === "Website" ? "OBJECT" : resource}`;
}

interface Head {
  length?: string | undefined;
  versionId?: string | undefined;
  whole?: string | undefined;
}

/** What the head of the answer said; it is written past Node's own table of headers, where that is cheaper. */
function headOf(response: ServerResponse): Head {
  const sent = (response as { _header?: string | null })._header ?? "";
  const valueOf = (name: string) => new RegExp(`^${name}: (.*)$`, "im").exec(sent)?.[1]?.trim();
  const length = valueOf("content-length");
  return {
    length: length === "0" ? undefined : length,
    versionId: valueOf("x-amz-version-id"),
    whole: valueOf("content-range")?.split("/")[1],
  };
}

function sizeOf({ operation, request }: AwsCall, head: Head): string | undefined {
  if (operation === "GetObject" || operation === "HeadObject") return head.whole ?? head.length;
  if (operation !== "PutObject" && operation !== "UploadPart") return undefined;
  const { "x-amz-decoded-content-length": decoded, "content-length": length } = request.headers;
  return typeof decoded === "string" ? decoded : length;
}

/** An address that is still good must not be so for who reads the log. */
const withoutSecrets = (url: string): string =>
  url.replaceAll(
    /([?&](?:X-Amz-Signature|X-Amz-Security-Token|Signature)=)[^&]*/gi,
    (_all, name: string) => `${name}-`,
  );

/** Nothing that a client says begins another field. */
const quoted = (text: string): string =>
  `"${text.replaceAll(/["\\\p{Cc}]/gu, (character) => encodeURIComponent(character))}"`;
