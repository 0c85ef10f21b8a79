import type { IncomingHttpHeaders } from "node:http";
import { checkPostPolicy } from "#/access/signatures/form.ts";
import { limits } from "#/base/limits.ts";
import { AwsError } from "#/model/aws-error.ts";
import type { DirectOperation } from "../../call.ts";
import { newHeaders, send } from "../answer.ts";
import { callOf, type ObjectCall } from "../call.ts";
import {
  entityTooLarge,
  invalidArgument,
  methodNotAllowed,
  missingContentLength,
} from "../errors.ts";
import { checkTags } from "../headers/tags.ts";
import { checkKey } from "../key.ts";
import { locationOf } from "../objects/complete-multipart-upload.ts";
import { newObject } from "../objects/new-object.ts";
import { tellPut } from "../objects/put-object.ts";
import { withinQuota } from "../quota.ts";
import { childrenOf, readXml, textAt } from "../xml/read.ts";
import { element, xmlDocument } from "../xml/write.ts";
import { readForm, type ReadForm } from "./form-reader.ts";
import { requireRoomToTell, tell } from "../tell.ts";

/** A browser's form: its fields say what headers would, and its policy who let it. */
export const postObject: DirectOperation = {
  answersItself: true,
  isOpen: true,
  async run(context) {
    const { request, parts } = context;
    if (context.target.key !== undefined) throw methodNotAllowed("POST", "OBJECT");
    const bare = callOf(context);
    const formBytes = request.headers["content-length"];
    if (formBytes === undefined) throw missingContentLength();
    context.takeBody();
    const form = await readForm(request.headers["content-type"] ?? "", request);
    const { fields } = form;
    context.admit(parts.signatures.verifyForm(fields));
    const key = keyOf(form);
    const policy = fields.get("policy");
    const asked = new Map([...fields, ["bucket", bare.bucket.name]]);
    const sizes = policy === undefined ? undefined : checkPostPolicy(policy, asked, bare.nowMs);
    const opened = callOf(context);
    const call: ObjectCall = {
      ...opened,
      key,
      place: { ...opened.place, key },
      headers: headersOf(form),
    };
    const { options, announced } = await newObject(call);
    const { algorithm, value } = announced;
    requireRoomToTell(call, "ObjectCreated:Post");
    const { version } = await withinQuota(call, Number(formBytes), () =>
      call.store.put(call.place, measured(form, sizes), {
        ...options,
        checksum: { algorithm, ...(value !== undefined && { expected: () => value }) },
      }),
    );
    await tell(call, "ObjectCreated:Post", version);
    const headers = newHeaders(call);
    tellPut(headers, call, version);
    answerForm(call, fields, version.etag, headers);
  },
};

/** Throws "InvalidArgument", "KeyTooLongError". */
function keyOf({ fields, fileName }: ReadForm): string {
  const key = fields.get("key");
  if (key === undefined || key === "")
    throw invalidArgument(
      "Bucket POST must contain a field named 'key'.  If it is specified, please check the order of the fields.",
      "key",
    );
  const base = fileName.slice(Math.max(fileName.lastIndexOf("/"), fileName.lastIndexOf("\\")) + 1);
  return checkKey(key.replaceAll("${filename}", () => base));
}

const asHeaders = new Set([
  "cache-control",
  "content-type",
  "content-disposition",
  "content-encoding",
  "content-language",
  "content-md5",
  "expires",
]);
const notHeaders =
  /^x-amz-(algorithm|credential|date|signature|security-token|trailer|sdk-checksum-algorithm|copy-source)/;

/** Fields as the headers that a PUT would have said the same with. */
function headersOf({ fields }: ReadForm): IncomingHttpHeaders {
  const headers: IncomingHttpHeaders = {};
  for (const [name, value] of fields)
    if (asHeaders.has(name) || (name.startsWith("x-amz-") && !notHeaders.test(name)))
      headers[name] = Buffer.from(value).toString("latin1");
  const acl = fields.get("acl");
  if (acl !== undefined) headers["x-amz-acl"] = acl;
  const tagging = fields.get("tagging");
  if (tagging !== undefined) headers["x-amz-tagging"] = taggingOf(tagging);
  const named = fields.get("x-amz-checksum-algorithm");
  if (named !== undefined) delete headers["x-amz-checksum-algorithm"];
  return headers;
}

/** Forms tell tags in XML. */
function taggingOf(xml: string): string {
  const [set] = childrenOf(readXml(Buffer.from(xml), "Tagging"), "TagSet");
  const pairs = (set ? childrenOf(set, "Tag") : []).map(
    (tag) => [textAt(tag, "Key") ?? "", textAt(tag, "Value") ?? ""] as const,
  );
  return new URLSearchParams(checkTags(pairs)).toString();
}

/** The file, as long as it may be. Throws "EntityTooLarge", "EntityTooSmall" before it ends. */
async function* measured(
  { file }: ReadForm,
  sizes: { bytesMin: number; bytesMax: number } | undefined,
): AsyncGenerator<Uint8Array> {
  const max = Math.min(sizes?.bytesMax ?? Infinity, limits.objectPutBytesMax);
  let size = 0;
  for await (const piece of file) {
    size += piece.length;
    if (size > max) throw entityTooLarge(size, max);
    yield piece;
  }
  if (sizes && size < sizes.bytesMin)
    throw new AwsError(
      "EntityTooSmall",
      400,
      "Your proposed upload is smaller than the minimum allowed size",
      { fields: { ProposedSize: String(size), MinSizeAllowed: String(sizes.bytesMin) } },
    );
}

/** 204, 200 or 201 with a document, or a way back to the page that the form names. */
function answerForm(
  call: ObjectCall,
  fields: ReadonlyMap<string, string>,
  etag: string,
  headers: ReturnType<typeof newHeaders>,
): void {
  const location = locationOf(call);
  headers["location"] = location;
  const back = fields.get("success_action_redirect") ?? fields.get("redirect");
  const url = back === undefined ? undefined : URL.parse(back);
  if (url && (url.protocol === "http:" || url.protocol === "https:")) {
    url.searchParams.append("bucket", call.bucket.name);
    url.searchParams.append("key", call.key);
    url.searchParams.append("etag", `"${etag}"`);
    headers["location"] = url.href;
    send(call, 303, headers);
    return;
  }
  const status = fields.get("success_action_status");
  if (status === "200") send(call, 200, headers);
  else if (status === "201")
    send(
      call,
      201,
      headers,
      xmlDocument(
        "PostResponse",
        element("Location", location) +
          element("Bucket", call.bucket.name) +
          element("Key", call.key) +
          element("ETag", `"${etag}"`),
      ).replace(/ xmlns="[^"]*"/, ""),
    );
  else send(call, 204, headers);
}
