import type { Question } from "#/access/policies/authorize.ts";
import type { Ask } from "./call.ts";
import type { CallFacts } from "./policies.ts";

const ways: Record<string, string> = {
  header: "REST-HEADER",
  query: "REST-QUERY-STRING",
  form: "POST",
};

/** Characters of what strangers choose that are compared with patterns. */
const comparedMax = 1024;

/** What a call wants to do, with the condition keys that every call has. */
export function policyQuestion(ask: Ask, call: CallFacts): Question {
  const { conditions, ownerAccountId, ...asked } = ask;
  const { principal } = call.verified;
  return {
    ...asked,
    principal,
    resourceAccountId: ownerAccountId ?? principal.accountId,
    facts: (key) => callFact(key, call) ?? conditionOf(conditions, key),
  };
}

function callFact(key: string, call: CallFacts): string | undefined {
  const { verified } = call;
  switch (key) {
    case "aws:sourceip":
      return call.sourceIp;
    case "aws:securetransport":
      return "false";
    case "aws:useragent":
      return call.userAgent?.slice(0, comparedMax);
    case "aws:referer":
      return call.referer?.slice(0, comparedMax);
    case "aws:requestedregion":
      return call.region;
    case "s3:authtype":
      return ways[verified.way];
    case "s3:signatureversion":
      if (verified.way === "anonymous") return undefined;
      return verified.version === 2 ? "AWS" : "AWS4-HMAC-SHA256";
    case "s3:signatureage":
      return verified.signedAtMs === undefined
        ? undefined
        : String(Math.max(0, call.nowMs - verified.signedAtMs));
    default:
      return undefined;
  }
}

/** Names of condition keys have no case. */
function conditionOf(
  conditions: Ask["conditions"],
  key: string,
): string | readonly string[] | undefined {
  if (!conditions) return undefined;
  if (Object.hasOwn(conditions, key)) return conditions[key];
  for (const name in conditions) if (name.toLowerCase() === key) return conditions[name];
  return undefined;
}
