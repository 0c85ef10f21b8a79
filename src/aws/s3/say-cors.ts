import type { IncomingMessage, ServerResponse } from "node:http";
import { corsRuleOf, type CorsRule } from "#/model/bucket-cors.ts";
import type { Buckets } from "#/objects/buckets.ts";
import type { Target } from "../target.ts";

/** The part of a call that a browser's question is about. */
export interface CrossOriginCall {
  parts: { buckets: Pick<Buckets, "find"> };
  target: Target;
  request: IncomingMessage;
  response: ServerResponse;
}

/** Tells the browser, on an answer of whatever kind, whether a page from elsewhere may see it: as the bucket's rules have it. */
export function sayCors({ parts, target, request, response }: CrossOriginCall): void {
  const { origin } = request.headers;
  if (origin === undefined || target.bucket === undefined) return;
  const rules = parts.buckets.find(target.bucket)?.spec.cors;
  const rule = rules && corsRuleOf(rules, { origin, method: request.method! });
  if (rule) sayRule(rule, origin, response);
}

/** The headers by which a rule lets a page of `origin` in. */
export function sayRule(rule: CorsRule, origin: string, response: ServerResponse): void {
  const { origins, methods, exposed, maxAgeSeconds } = rule;
  const isForAll = origins.includes("*");
  response.setHeader("access-control-allow-origin", isForAll ? "*" : origin);
  response.setHeader("access-control-allow-methods", methods.join(", "));
  if (exposed && exposed.length > 0)
    response.setHeader("access-control-expose-headers", exposed.join(", "));
  if (maxAgeSeconds !== undefined)
    response.setHeader("access-control-max-age", String(maxAgeSeconds));
  if (!isForAll) response.setHeader("access-control-allow-credentials", "true");
  response.setHeader(
    "vary",
    "Origin, Access-Control-Request-Headers, Access-Control-Request-Method",
  );
}
