import type { Identities } from "#/access/identities/identities.ts";
import { CanopyError } from "#/base/errors.ts";
import type { Caller } from "#/model/access.ts";
import { iamName } from "#/model/iam.ts";
import type { Space } from "#/space/space.ts";

const verbs: Record<string, string> = { PUT: "Set", PATCH: "Change", DELETE: "Remove" };

/**
 * What a call is to policies: "POST /v1/jobs/:job/cancel" is "canopy:CancelJob", "GET /v1/jobs" "canopy:ListJobs", "GET
 * /v1/jobs/:job" "canopy:ReadJob", "POST /v1/keys" "canopy:CreateKey".
 */
export function actionOf(method: string, url: string): string {
  if (method === "POST" && url === "/v1/jobs") return "canopy:SubmitJob";
  const segments = url.replace(/^\/v1\//, "").split("/");
  const words = segments.filter((one) => !isParameter(one));
  const last = words.at(-1)!;
  const isOfOne = isParameter(segments.at(-1)!);
  const nouns = (upTo: number) => words.slice(0, upTo).map((one) => wordOf(singular(one)));
  const one = nouns(words.length).join("");
  if (method === "GET") {
    const noun = [...nouns(words.length - 1), wordOf(last)].join("");
    return `canopy:${isPlural(last) && !isOfOne ? `List${noun}` : `Read${one}`}`;
  }
  if (method !== "POST") return `canopy:${verbs[method]}${one}`;
  return isPlural(last) || words.length === 1
    ? `canopy:Create${one}`
    : `canopy:${wordOf(last)}${nouns(words.length - 1).join("")}`;
}

/**
 * Throws "forbidden" where a caller acts as a user, and the user's policies do not allow the call. Its resource is the
 * call's path below "/v1/", as in "arn:aws:canopy::123456789012:jobs/j1".
 */
export function requirePolicy(
  { identities, space }: { identities: Pick<Identities, "authorize" | "user">; space: Space },
  caller: Caller,
  action: string,
  request: {
    url: string;
    ip: string;
    headers: { "user-agent"?: string | undefined };
    /** The ARN of what else it is about. */
    resource?: string;
  },
): void {
  if (caller.user === undefined) return;
  const record = space.get("iam-user", iamName(caller.project, caller.user));
  if (!record)
    throw new CanopyError("unauthenticated", "Cannot accept this key as its user is gone");
  const principal = identities.user(record);
  const path = request.url.split("?", 1)[0]!.replace(/^\/v1\//, "");
  const resource = request.resource ?? `arn:aws:canopy::${principal.accountId}:${path}`;
  const facts: Record<string, string | undefined> = {
    "aws:sourceip": request.ip,
    "aws:useragent": request.headers["user-agent"],
  };
  const { effect, because } = identities.authorize({
    principal,
    action,
    resource,
    resourceAccountId: principal.accountId,
    facts: (key) => facts[key],
  });
  if (effect === "allow") return;
  throw new CanopyError(
    "forbidden",
    `Cannot do this as the user '${record.spec.name}' must be allowed ${action} on ${resource}: it is not, ${because}`,
    { hint: "An admin gives users policies: aws iam put-user-policy" },
  );
}

const isParameter = (segment: string) => segment.startsWith(":") || segment === "*";

const isPlural = (word: string) => word.endsWith("s") && !["status", "chaos"].includes(word);

function singular(word: string): string {
  if (word.endsWith("ies")) return `${word.slice(0, -3)}y`;
  return isPlural(word) ? word.slice(0, -1) : word;
}

/** "join-tokens" as "JoinTokens". */
function wordOf(text: string): string {
  return text
    .split("-")
    .map((one) => one.charAt(0).toUpperCase() + one.slice(1))
    .join("");
}
