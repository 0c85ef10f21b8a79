import type { ServerResponse } from "node:http";
import { pipeline } from "node:stream/promises";
import { AwsError } from "#/model/aws-error.ts";
import {
  encodedKey,
  redirectOfAll,
  ruledRedirect,
  type Website,
  type WebsiteRedirect,
} from "#/model/bucket-website.ts";
import type { ObjectVersion } from "#/objects/object-version.ts";
import type { AwsCall } from "../../aws-call.ts";
import { asAwsError } from "../../errors.ts";
import { nameCall } from "../../name-call.ts";
import { describe, newHeaders } from "../answer.ts";
import { notSet } from "../buckets/not-set.ts";
import { callOf, type ObjectCall } from "../call.ts";
import { methodNotAllowed } from "../errors.ts";
import { givingUp } from "../giving-up.ts";
import { decodePath } from "../key.ts";
import { findReadable, readObject } from "../objects/read-object.ts";
import { sayCors } from "../say-cors.ts";
import { errorPage } from "./error-page.ts";

/** A visit of a bucket's website. Visitors are nobody: they see what the bucket's policy shows to all. Never throws. */
export async function answerWebsite(call: AwsCall, bucket: string): Promise<void> {
  const { target, request, response, parts } = call;
  nameCall(call);
  call.operation = "Website";
  target.bucket = bucket;
  const query = target.query;
  target.query = ""; // it means nothing to objects here
  if (request.headers.origin !== undefined) sayCors(call);
  let site: Website | undefined;
  try {
    target.key = decodePath(target.path.slice(1));
    const record = parts.buckets.get(bucket);
    site = record.spec.website;
    if (!site) throw notSet("NoSuchWebsiteConfiguration", record);
    const isHead = request.method === "HEAD";
    if (!isHead && request.method !== "GET")
      throw methodNotAllowed(request.method!, "OBJECT", { allow: "GET, HEAD" });
    await visit(call, site, query, isHead);
  } catch (thrown) {
    if (response.headersSent) return void response.destroy();
    const error = asAwsError(thrown, parts.log, "s3:Website");
    await fail(call, site, error).catch(() => void response.destroy());
  }
}

async function visit(call: AwsCall, site: Website, query: string, isHead: boolean): Promise<void> {
  const key = call.target.key!;
  const { response } = call;
  const redirect =
    redirectOfAll(site, { key, query }) ?? ruledRedirect(site, { key, host: hostOf(call) });
  if (redirect) return redirectTo(response, redirect);
  const index = site.indexDocument ?? "";
  const isFolder = key === "" || key.endsWith("/");
  const asked = callFor(call, isFolder ? key + index : key);
  let found: ObjectVersion;
  try {
    found = await findReadable(asked, undefined, "GET", "GetObject");
  } catch (thrown) {
    if (isFolder || !(await isThere(callFor(call, `${key}/${index}`)))) throw thrown;
    return redirectTo(response, { status: 302, location: `/${encodedKey(key)}/` });
  }
  const { websiteRedirectLocation: location } = found;
  if (location !== undefined) return redirectTo(response, { status: 301, location });
  await readObject(asked, isHead);
}

/** Says what is wrong: by a rule for that status, by the page that the site has for it, or by one of ours. */
async function fail(call: AwsCall, site: Website | undefined, error: AwsError): Promise<void> {
  const { response, request } = call;
  const { status } = error;
  const key = call.target.key ?? "";
  const isClients = status >= 400 && status < 500 && site !== undefined;
  const redirect = isClients ? ruledRedirect(site, { key, host: hostOf(call), status }) : undefined;
  if (redirect) return redirectTo(response, redirect);
  // As S3's websites tell programs what their pages tell people.
  response.setHeader("x-amz-error-code", error.awsCode);
  response.setHeader("x-amz-error-message", error.message.replaceAll(/[^\x20-\x7e]/g, "?"));
  const isHead = request.method === "HEAD";
  if (isClients && site.errorDocument !== undefined) {
    const page = callFor(call, site.errorDocument);
    const found = await findReadable(page, undefined, "GET", "GetObject").catch(() => undefined);
    if (found) return sendPage(page, found, status, isHead);
  }
  const body = Buffer.from(errorPage(error, call.requestId));
  response.writeHead(status, {
    ...error.headers,
    "content-type": "text/html; charset=utf-8",
    "content-length": body.length,
  });
  response.end(isHead ? undefined : body);
}

async function sendPage(
  page: ObjectCall,
  found: ObjectVersion,
  status: number,
  isHead: boolean,
): Promise<void> {
  const { response } = page.context;
  const headers = newHeaders(page);
  describe(headers, page, found);
  headers["content-length"] = found.sizeBytes;
  if (isHead || found.sizeBytes === 0) {
    response.writeHead(status, headers);
    return void response.end();
  }
  const bytes = await page.store.read(page.place, found, {});
  await givingUp(bytes, async (body) => {
    response.writeHead(status, headers);
    if (body instanceof Uint8Array) response.end(body);
    else await pipeline(body, response);
  });
}

function callFor(call: AwsCall, key: string): ObjectCall {
  const opened = callOf(call);
  return { ...opened, key, place: { ...opened.place, key } };
}

/** Whether a visitor may see that there is such a page. */
async function isThere(call: ObjectCall): Promise<boolean> {
  return findReadable(call, undefined, "GET", "GetObject").then(
    () => true,
    (thrown: unknown) => {
      if (thrown instanceof AwsError) return false;
      throw thrown;
    },
  );
}

function redirectTo(response: ServerResponse, { status, location }: WebsiteRedirect): void {
  response.writeHead(status, { location, "content-length": "0" });
  response.end();
}

const hostOf = ({ request }: AwsCall) => request.headers.host ?? "";
