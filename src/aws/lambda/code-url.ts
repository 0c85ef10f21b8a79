import { presignedUrl } from "#/access/signatures/presign.ts";
import { limits } from "#/base/limits.ts";
import { hostOf, schemeOf } from "../base-url.ts";
import type { AwsContext } from "../call.ts";
import { parameterOf } from "../target.ts";
import type { FunctionPlace } from "./names.ts";

/** Where the code of a function is found for a while, signed with the caller's own key: who has the address needs none. */
export function codeUrl(
  { arn, qualifier }: FunctionPlace,
  { parts, caller, request, target, region }: AwsContext,
): string {
  const { accessKeyId = "" } = caller;
  const { "x-amz-security-token": given = parameterOf(target.query, "X-Amz-Security-Token") } =
    request.headers;
  const sessionToken = typeof given === "string" ? given : undefined;
  const { secret } = parts.identities.find(accessKeyId, sessionToken, "lambda");
  return presignedUrl({
    scheme: schemeOf(request),
    host: hostOf(request),
    path: `/2015-03-31/functions/${encodeURIComponent(arn)}/code`,
    query: qualifier === undefined ? {} : { Qualifier: qualifier },
    service: "lambda",
    region,
    accessKeyId,
    secret,
    sessionToken,
    nowMs: parts.clock.now(),
    expiresSeconds: limits.functionCodeUrlSeconds,
  });
}
