import type { IncomingHttpHeaders } from "node:http";
import { AwsError } from "#/model/aws-error.ts";
import { fitOf, type HttpRoute } from "../http-routes.ts";
import type { Schemas } from "../schemas.ts";
import type { Target } from "../target.ts";
import { preconditionFailed } from "./errors.ts";
import { notOfSubresource, subresourceOf } from "./subresource.ts";

/** Calls of objects that nothing else than their method names: most of all. */
const plain: Record<string, string> = {
  GET: "GetObject",
  PUT: "PutObject",
  HEAD: "HeadObject",
  DELETE: "DeleteObject",
};

/**
 * The operation that a request of S3 is, by its method, by what it is about, and by the parameters that its query names.
 * "PostObject" for a form, "Preflight" for a browser's question; they are in no schema. Throws "MethodNotAllowed", "InvalidArgument".
 */
export function s3Operation(
  target: Target,
  headers: IncomingHttpHeaders,
  schemas: Schemas,
): string {
  const { method, query, key, bucket } = target;
  if (key !== undefined && headers["x-amz-copy-source"] === undefined) {
    const name = plain[method];
    if (name !== undefined && (query === "" || query === `x-id=${name}`)) return name;
  }
  if (method === "OPTIONS") return "Preflight";
  if (method === "POST" && bucket !== undefined && isForm(headers)) return "PostObject";
  if (method === "POST" && bucket !== undefined && key === undefined && query === "")
    throw preconditionFailed("Bucket POST must be of the enclosure-type multipart/form-data");
  const part = subresourceOf(target, schemas);
  let best: HttpRoute | undefined;
  let bestFit = -1;
  for (const route of schemas.routes(method)) {
    if (!isOfLevel(route, target)) continue;
    const fit = fitOf(route, target, headers);
    if (fit > bestFit) [best, bestFit] = [route, fit];
  }
  if (part !== undefined && !best?.literals.some(([name]) => name === part))
    throw notOfSubresource(part, target, schemas);
  if (best) return best.operation;
  throw new AwsError(
    "MethodNotAllowed",
    405,
    "The specified method is not allowed against this resource.",
    {
      fields: {
        Method: method,
        ResourceType: key !== undefined ? "OBJECT" : bucket !== undefined ? "BUCKET" : "SERVICE",
      },
    },
  );
}

function isForm(headers: IncomingHttpHeaders): boolean {
  return headers["content-type"]?.toLowerCase().startsWith("multipart/form-data") === true;
}

/** Whether a route is one of objects, of buckets or of all, as the request is. */
function isOfLevel({ segments, ofBucket }: HttpRoute, { bucket, key }: Target): boolean {
  if (segments.length > 0) {
    const [only] = segments;
    return key !== undefined && segments.length === 1 && "label" in only!;
  }
  return key === undefined && ofBucket === (bucket !== undefined);
}
