import { createHash, createHmac } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";

/** Whether a POST to "/" is signed by AWS Signature Version 4 with this secret: written from AWS's description of it. */
export function isSigned(headers: IncomingHttpHeaders, body: string, secret: string): boolean {
  const found =
    /^AWS4-HMAC-SHA256 Credential=[^/]+\/(\d+)\/([^/]+)\/([^/]+)\/aws4_request, SignedHeaders=([^,]+), Signature=([0-9a-f]+)$/.exec(
      headers.authorization ?? "",
    );
  if (!found) return false;
  const [, date = "", region = "", service = "", names = "", signature] = found;
  const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");
  const mac = (key: string | Buffer, text: string) =>
    createHmac("sha256", key).update(text).digest();
  const lines = names.split(";").map((name) => `${name}:${String(headers[name]).trim()}\n`);
  const canonical = ["POST", "/", "", lines.join(""), names, sha256(body)].join("\n");
  const scope = `${date}/${region}/${service}/aws4_request`;
  const time = String(headers["x-amz-date"]);
  const text = ["AWS4-HMAC-SHA256", time, scope, sha256(canonical)].join("\n");
  const day = mac(`AWS4${secret}`, date);
  const key = mac(mac(mac(day, region), service), "aws4_request");
  return mac(key, text).toString("hex") === signature;
}
