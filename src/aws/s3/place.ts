import type { Target } from "../target.ts";
import { checkKey, decodePath, invalidUri } from "./key.ts";

/**
 * Tells bucket and key from the host and the path. Hosts "BUCKET.s3.DOMAIN", "BUCKET.s3-REGION.DOMAIN" and "BUCKET.localhost" name the
 * bucket; with all others the path does. Throws "InvalidURI" and "KeyTooLongError".
 */
export function placeIn(target: Target, host: string | undefined): void {
  const { path } = target;
  const named = host === undefined ? undefined : bucketOfHost(host);
  let rest = path.slice(1);
  if (named !== undefined) {
    target.bucket = named;
    target.isVirtualHost = true;
  } else {
    const slash = rest.indexOf("/");
    const bucket = slash < 0 ? rest : rest.slice(0, slash);
    if (bucket === "") {
      if (slash >= 0) throw invalidUri();
      return;
    }
    target.bucket = decodePath(bucket);
    rest = slash < 0 ? "" : rest.slice(slash + 1);
  }
  if (rest === "") return;
  target.key = checkKey(decodePath(rest));
}

/** The bucket that a host names; undefined for the address of all. */
function bucketOfHost(host: string): string | undefined {
  const first = host.charCodeAt(0);
  // 127.0.0.1 and [::1]: the way of most clients of ours, told at a glance.
  if ((first >= 48 && first <= 57 && /^[\d.]+(?::\d+)?$/.test(host)) || first === 91)
    return undefined;
  const colon = host.lastIndexOf(":");
  const name = (colon < 0 ? host : host.slice(0, colon)).toLowerCase();
  const service = Math.max(name.lastIndexOf(".s3."), name.lastIndexOf(".s3-"));
  if (service > 0) return name.slice(0, service);
  if (name.startsWith("s3.") || name.startsWith("s3-")) return undefined;
  return name.endsWith(".localhost") ? name.slice(0, -".localhost".length) : undefined;
}
