import { hash } from "node:crypto";
import { canonicalRequest, digestOfBytes } from "./canonical.ts";
import { scopeText, signatureOf, signingKeyOf } from "./signing-key.ts";

/** A GET that a key's holder could have signed, of a service that is not S3. */
export interface PresignAsked {
  scheme: "http" | "https";
  host: string;
  /** Encoded. */
  path: string;
  query: Readonly<Record<string, string>>;
  service: string;
  region: string;
  accessKeyId: string;
  secret: string;
  sessionToken?: string | undefined;
  nowMs: number;
  expiresSeconds: number;
}

/** The address of a request that was signed beforehand: who has it may ask just that, until it expires. */
export function presignedUrl(asked: PresignAsked): string {
  const at = new Date(asked.nowMs).toISOString().replaceAll(/[-:]|\.\d+/g, "");
  const scope = { day: at.slice(0, 8), region: asked.region, service: asked.service };
  const query = new URLSearchParams({
    ...asked.query,
    "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
    "X-Amz-Credential": `${asked.accessKeyId}/${scopeText(scope)}`,
    "X-Amz-Date": at,
    "X-Amz-Expires": String(asked.expiresSeconds),
    ...(asked.sessionToken !== undefined && { "X-Amz-Security-Token": asked.sessionToken }),
    "X-Amz-SignedHeaders": "host",
  });
  const url = `${asked.path}?${query.toString().replaceAll("+", "%20")}`;
  const canonical = canonicalRequest(
    { method: "GET", url, headers: { host: asked.host }, rawHeaders: ["host", asked.host] },
    {
      signedHeaders: "host",
      contentHash: hash("sha256", "", "hex"),
      service: asked.service,
      isPresigned: true,
    },
  );
  const stringToSign = `AWS4-HMAC-SHA256\n${at}\n${scopeText(scope)}\n${digestOfBytes(canonical)}`;
  const signature = signatureOf(signingKeyOf(asked.secret, scope), stringToSign);
  return `${asked.scheme}://${asked.host}${url}&X-Amz-Signature=${signature}`;
}
