import type { CORSRule } from "@aws-sdk/client-s3";
import { limits } from "#/base/limits.ts";
import type { CorsRule } from "#/model/bucket-cors.ts";
import { invalidRequest, malformedXml } from "./errors.ts";

/** Throws "MalformedXML" and "InvalidRequest", as S3 does. */
export function readCors(rules: readonly CORSRule[] = []): CorsRule[] {
  if (rules.length === 0 || rules.length > limits.corsRulesMax) throw malformedXml();
  return rules.map((rule) => {
    const { ID, AllowedHeaders, AllowedMethods = [], AllowedOrigins = [] } = rule;
    const { ExposeHeaders, MaxAgeSeconds } = rule;
    if (AllowedMethods.length === 0 || AllowedOrigins.length === 0) throw malformedXml();
    if (ID !== undefined && ID.length > limits.ruleIdCharactersMax) throw malformedXml();
    if (MaxAgeSeconds !== undefined && !(Number.isInteger(MaxAgeSeconds) && MaxAgeSeconds >= 0))
      throw malformedXml();
    for (const method of AllowedMethods) {
      if (methods.has(method)) continue;
      throw invalidRequest(
        `Found unsupported HTTP method in CORS config. Unsupported method is ${method}`,
      );
    }
    for (const origin of AllowedOrigins) checkStars("AllowedOrigin", origin);
    for (const header of AllowedHeaders ?? []) checkStars("AllowedHeader", header);
    for (const header of ExposeHeaders ?? []) {
      if (!header.includes("*")) continue;
      throw invalidRequest(
        `ExposeHeader "${header}" contains wildcard. We currently do not support wildcard for ExposeHeader.`,
      );
    }
    return {
      id: ID,
      origins: AllowedOrigins,
      methods: AllowedMethods,
      headers: AllowedHeaders,
      exposed: ExposeHeaders,
      maxAgeSeconds: MaxAgeSeconds,
    };
  });
}

export function writeCors(rules: readonly CorsRule[]): CORSRule[] {
  return rules.map(({ id, origins, methods: allowed, headers, exposed, maxAgeSeconds }) => ({
    ID: id,
    AllowedOrigins: [...origins],
    AllowedMethods: [...allowed],
    AllowedHeaders: headers && [...headers],
    ExposeHeaders: exposed && [...exposed],
    MaxAgeSeconds: maxAgeSeconds,
  }));
}

const methods = new Set(["GET", "PUT", "POST", "DELETE", "HEAD"]);

function checkStars(what: string, value: string): void {
  if (value.indexOf("*") === value.lastIndexOf("*")) return;
  throw invalidRequest(`${what} "${value}" can not have more than one wildcard.`);
}
