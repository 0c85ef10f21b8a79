import { AwsError } from "#/model/aws-error.ts";
import { corsRuleOf } from "#/model/bucket-cors.ts";
import type { DirectOperation } from "../call.ts";
import { sayRule } from "./say-cors.ts";

/** What a browser asks before it lets a page from elsewhere make a call. Nobody signs that. */
export const preflight: DirectOperation = {
  answersItself: true,
  isOpen: true,
  run({ parts, target, request, response }) {
    const { origin, "access-control-request-method": method } = request.headers;
    const named = request.headers["access-control-request-headers"];
    if (origin === undefined)
      throw badRequest("Insufficient information. Origin request header needed.");
    if (method === undefined || !methods.has(method))
      throw badRequest(`Invalid Access-Control-Request-Method: ${method ?? "null"}`);
    const rules =
      target.bucket === undefined ? undefined : parts.buckets.get(target.bucket).spec.cors;
    if (!rules) throw forbidden("CORSResponse: CORS is not enabled for this bucket.", method);
    const headers = (named ?? "").split(",").map((header) => header.trim().toLowerCase());
    const asked = headers.filter((header) => header !== "");
    const rule = corsRuleOf(rules, { origin, method, headers: asked });
    if (!rule)
      throw forbidden(
        "CORSResponse: This CORS request is not allowed. This is usually because the evalution of Origin, request method / Access-Control-Request-Method or Access-Control-Request-Headers are not whitelisted by the resource's CORS spec.",
        method,
      );
    sayRule(rule, origin, response);
    if (asked.length > 0) response.setHeader("access-control-allow-headers", asked.join(", "));
    response.writeHead(200, { "content-length": "0" });
    response.end();
    return Promise.resolve();
  },
};

const methods = new Set(["GET", "PUT", "POST", "DELETE", "HEAD"]);

const badRequest = (message: string) => new AwsError("BadRequest", 400, message);

const forbidden = (message: string, method: string) =>
  new AwsError("AccessForbidden", 403, message, {
    fields: { Method: method, ResourceType: "BUCKET" },
  });
