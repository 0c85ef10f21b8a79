import { Sha256 } from "@smithy/core/checksum";
import { HttpRequest } from "@smithy/core/transport";
import { SignatureV4 } from "@smithy/signature-v4";
import { accessKeyId, region, secretAccessKey } from "./aws-port.ts";

export interface Asked {
  method?: string;
  path?: string;
  headers?: Record<string, string>;
  body?: string;
  service?: string;
}

/** One signed request, whatever is in it. */
export async function ask(
  endpoint: string,
  { method = "POST", path = "/", headers = {}, body = "", service = "s3" }: Asked,
) {
  const signer = new SignatureV4({
    credentials: { accessKeyId, secretAccessKey },
    region,
    service,
    sha256: Sha256,
    uriEscapePath: service !== "s3",
  });
  const { host, hostname, port } = new URL(endpoint);
  const [pathname = "/", search = ""] = path.split("?");
  const signed = await signer.sign(
    new HttpRequest({
      method,
      path: pathname,
      query: Object.fromEntries(new URLSearchParams(search)),
      hostname,
      port: Number(port),
      headers: { host, ...headers },
      body,
    }),
  );
  const response = await fetch(`${endpoint}${path}`, {
    method,
    headers: signed.headers,
    ...(body && { body }),
  });
  return { status: response.status, text: await response.text(), headers: response.headers };
}
