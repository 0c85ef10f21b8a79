import { hash } from "node:crypto";
import { canonicalPath, canonicalPathTwice, canonicalQuery } from "./encoding.ts";
import type { SignedRequest } from "./signed-request.ts";

/**
 * A request in the one form that both sides hash
 * (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html). `signedHeaders` are
 * taken in the order that the client names. Every character stands for one byte, as headers are read.
 */
export function canonicalRequest(
  request: SignedRequest,
  asked: { signedHeaders: string; contentHash: string; service: string; isPresigned: boolean },
): string {
  const { method = "GET", url } = request;
  const mark = url.indexOf("?");
  const path = mark < 0 ? url : url.slice(0, mark);
  const query = mark < 0 ? "" : url.slice(mark + 1);
  const without = asked.isPresigned ? "X-Amz-Signature" : undefined;
  let headers = "";
  for (const name of asked.signedHeaders.split(";"))
    headers += `${name}:${headerValue(request, name)}\n`;
  return `${method}\n${asked.service === "s3" ? canonicalPath(path) : canonicalPathTwice(path)}\n${canonicalQuery(query, without)}\n${headers}\n${asked.signedHeaders}\n${asked.contentHash}`;
}

/** SHA-256 of text of which every character is a byte, in hexadecimal. */
export function digestOfBytes(text: string): string {
  return hash("sha256", Buffer.from(text, "latin1"), "hex");
}

/**
 * The same of its letters in UTF-8: clients sign their headers so and then send them in Latin-1, boto3 among them, and
 * S3 takes both.
 */
export function digestOfLetters(text: string): string {
  return hash("sha256", text, "hex");
}

const hasSpaces = /^\s|\s$|\s\s/;

function headerValue(request: SignedRequest, name: string): string {
  const value = request.headers[name];
  if (value === undefined) return "";
  // Node joins what came more than once by ", "; what was signed has no space there.
  if (typeof value !== "string" || value.includes(", "))
    return everyValue(request.rawHeaders, name);
  return hasSpaces.test(value) ? trimmed(value) : value;
}

function everyValue(rawHeaders: readonly string[], name: string): string {
  const values: string[] = [];
  for (let at = 0; at < rawHeaders.length; at += 2)
    if (rawHeaders[at]!.toLowerCase() === name) values.push(trimmed(rawHeaders[at + 1]!));
  return values.join(",");
}

function trimmed(value: string): string {
  return value.trim().replaceAll(/\s+/g, " ");
}
