import { createHash, createHmac } from "node:crypto";

/** Who signs; nobody where a server asks for no signature. */
export interface Credentials {
  accessKeyId: string;
  secretAccessKey: string;
}

const hmac = (key: string | Buffer, text: string) =>
  createHmac("sha256", key).update(text).digest();

export const sha256 = (content: string | Uint8Array) =>
  createHash("sha256").update(content).digest("hex");

/**
 * The head of a request, signed by Signature Version 4 in its header
 * (https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html), written apart from the
 * product so that the bench and what it measures cannot agree on the same mistake.
 */
export class Signer {
  #host: string;
  #credentials: Credentials | undefined;
  #date = new Date().toISOString().replaceAll(/[-:]|\.\d{3}/g, "");
  #key: Buffer;

  constructor(host: string, credentials: Credentials | undefined) {
    this.#host = host;
    this.#credentials = credentials;
    const day = hmac(`AWS4${credentials?.secretAccessKey}`, this.#date.slice(0, 8));
    this.#key = hmac(hmac(hmac(day, "us-east-1"), "s3"), "aws4_request");
  }

  /**
   * `path` and `query` as they go over the wire, the query in its canonical order; `hash` of the body, or what stands for it;
   * the body's CRC-32 in base64 where it is promised by that.
   */
  head(
    method: string,
    path: string,
    query: string,
    hash: string,
    bodyBytes: number,
    crc32?: string,
  ): Buffer {
    const lines = [
      `${method} ${path}${query && `?${query}`} HTTP/1.1`,
      `host: ${this.#host}`,
      `content-length: ${bodyBytes}`,
    ];
    if (crc32 !== undefined) lines.push(`x-amz-checksum-crc32: ${crc32}`);
    if (this.#credentials) lines.push(...this.#signed(method, path, query, hash, crc32));
    return Buffer.from(`${lines.join("\r\n")}\r\n\r\n`);
  }

  #signed(
    method: string,
    path: string,
    query: string,
    hash: string,
    crc32: string | undefined,
  ): string[] {
    const promised = crc32 === undefined ? "" : `x-amz-checksum-crc32:${crc32}\n`;
    const names = `host;${promised && "x-amz-checksum-crc32;"}x-amz-content-sha256;x-amz-date`;
    const date = this.#date;
    const canonical = `${method}\n${path}\n${query}\nhost:${this.#host}\n${promised}x-amz-content-sha256:${hash}\nx-amz-date:${date}\n\n${names}\n${hash}`;
    const scope = `${date.slice(0, 8)}/us-east-1/s3/aws4_request`;
    const signature = hmac(
      this.#key,
      `AWS4-HMAC-SHA256\n${date}\n${scope}\n${sha256(canonical)}`,
    ).toString("hex");
    return [
      `x-amz-content-sha256: ${hash}`,
      `x-amz-date: ${date}`,
      `authorization: AWS4-HMAC-SHA256 Credential=${this.#credentials!.accessKeyId}/${scope}, SignedHeaders=${names}, Signature=${signature}`,
    ];
  }
}
