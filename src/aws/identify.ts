import type { IncomingHttpHeaders } from "node:http";
import { parameterOf, type Target } from "./target.ts";

const scopeEnd = "/aws4_request";

/**
 * The service that a request says it is for: by the scope of its signature, what it names as its target, or its
 * host. Undefined when it says nothing: then it is S3's, or a form that names its version.
 */
export function serviceNameOf(target: Target, headers: IncomingHttpHeaders): string | undefined {
  const { authorization, host } = headers;
  return (
    (authorization !== undefined ? scopeOf(authorization) : undefined) ??
    (target.query.includes("X-Amz-Credential")
      ? scopeOf(parameterOf(target.query, "X-Amz-Credential") ?? "")
      : undefined) ??
    (host === undefined ? undefined : hostService(host, target, headers))
  );
}

/** "…/20261123/us-east-1/s3/aws4_request" is S3's. */
function scopeOf(credential: string): string | undefined {
  const end = credential.indexOf(scopeEnd);
  if (end < 0) return undefined;
  return credential.slice(credential.lastIndexOf("/", end - 1) + 1, end);
}

/** "sqs.us-east-1.amazonaws.com", "sqs.localhost": its first part, when it is no bucket's. */
function hostService(
  host: string,
  { query }: Target,
  { "content-type": type = "", "x-amz-target": operation }: IncomingHttpHeaders,
): string | undefined {
  if (/\.s3[.-]/i.test(host)) return "s3";
  // A bucket may be called as a service is: what names no operation as that one's clients do is about objects.
  const isCall =
    operation !== undefined ||
    /^application\/x-(?:amz-json|www-form-urlencoded)/.test(type) ||
    parameterOf(query, "Action") !== undefined;
  if (!isCall) return undefined;
  const first = host.slice(0, Math.max(0, host.indexOf(".")));
  return /^[a-z][a-z0-9-]*$/.test(first) ? first : undefined;
}
