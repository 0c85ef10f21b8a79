import { CanopyError } from "#/base/errors.ts";

/** Where bytes of objects are, in a cluster that speaks S3. */
export interface RemoteAddress {
  bucket: string;
  /** Of all names: empty, or with a slash at its end. */
  prefix: string;
  endpoint: string;
  region: string;
}

/** Reads "s3://bucket/prefix?endpoint=http://host:port&region=name". Throws CanopyError "invalid". */
export function parseRemoteAddress(text: string): RemoteAddress {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== "s3:" || url.hostname === "") {
    throw new CanopyError(
      "invalid",
      `Cannot keep objects there as --objects must be s3://BUCKET[/PREFIX]?endpoint=URL[&region=NAME]: current value is ${JSON.stringify(text)}`,
    );
  }
  const endpoint = url.searchParams.get("endpoint");
  const region = url.searchParams.get("region") ?? "us-east-1";
  if (endpoint === null || !/^https?:\/\/[^/]/.test(endpoint)) {
    throw new CanopyError(
      "invalid",
      `Cannot keep objects there as the endpoint must be an address that begins with http:// or https://: current value is ${JSON.stringify(endpoint ?? "")}`,
      { hint: "Add ?endpoint=http://HOST:PORT to the address" },
    );
  }
  const path = url.pathname.replace(/^\//, "").replace(/\/$/, "");
  return { bucket: url.hostname, prefix: path === "" ? "" : `${path}/`, endpoint, region };
}
