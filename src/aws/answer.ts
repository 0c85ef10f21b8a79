import type { IncomingMessage, ServerResponse } from "node:http";
import { CanopyError } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import { absentService } from "./absent.ts";
import { answerDocument } from "./answer-document.ts";
import { answerS3 } from "./answer-s3.ts";
import { AwsCall, sourceIpOf } from "./aws-call.ts";
import { asAwsError, inWordsOf } from "./errors.ts";
import { serviceNameOf } from "./identify.ts";
import { nameCall } from "./name-call.ts";
import { note } from "./note.ts";
import type { AwsParts } from "./parts.ts";
import type { ProtocolName } from "./protocols/protocol.ts";
import { queryOf } from "./protocols/query.ts";
import { readDocument } from "./read-body.ts";
import type { RequestIds } from "./request-ids.ts";
import { noteAccess } from "./s3/note-access.ts";
import { sayCors } from "./s3/say-cors.ts";
import { siteOfHost } from "./s3/website/site-of-host.ts";
import { s3 } from "./s3/service.ts";
import { protocols, schemasOf } from "./schemas.ts";
import { send } from "./send.ts";
import { settled } from "./settled.ts";
import type { Service } from "./service.ts";
import { serviceNamed, serviceOfTarget, serviceOfVersion } from "./services.ts";
import { parameterOf, targetOf, withoutOrigin, type Target } from "./target.ts";

/** Answers one request, whatever it is. Never throws: what fails is said to who asked. */
export async function answer(
  parts: AwsParts,
  ids: RequestIds,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const startedMs = parts.clock.now();
  request.url = withoutOrigin(request.url!);
  const target = targetOf(request.method!, request.url);
  const site = siteOfHost(request.headers.host);
  let service: Service | undefined;
  let body: Uint8Array | undefined;
  let failed: unknown;
  try {
    service = site === undefined ? toldService(target, request.headers) : s3;
    const here = parts.leader?.answersHere() ?? true;
    if (here !== true && !(await here)) {
      await parts.leader!.handOn(request, response, sourceIpOf(parts, request));
      return;
    }
    if (!service && isForm(request)) {
      // Nothing but its own words says whose it is.
      body = await readDocument(request, request.headers["content-length"]);
      const { parts: said } = queryOf({ target, body });
      service = serviceOfVersion(said?.get("Version")?.value ?? "");
      if (said?.has("Action")) service ??= absentService(undefined, target, request.headers);
    }
  } catch (thrown) {
    failed = thrown;
  }
  service ??= s3;
  const requestId = service === s3 ? ids.short() : ids.long();
  const call = new AwsCall(parts, request, response, { target, service, requestId });
  const protocol = protocolOf(service, request);
  let refused: unknown;
  try {
    if (failed !== undefined) throw failed;
    if (site !== undefined) await visited(call, site);
    else if (service === s3) await answerS3(call);
    else await answerDocument(call, protocol, body);
  } catch (thrown) {
    refused = await told(parts, thrown);
    await refuse(call, protocol, refused);
  }
  note(call, startedMs, refused);
  if (service === s3) noteAccess(call, startedMs, refused);
  if (!request.complete) cutOffSoon(call);
}

/** Most clouds have no visitors: what answers them is loaded with the first. */
async function visited(call: AwsCall, site: string): Promise<void> {
  const { answerWebsite } = await import("./s3/website/answer-website.ts");
  await answerWebsite(call, site);
}

/** A refusal tells of what is, and so of what must be on disk, no less than an answer does. */
async function told(parts: AwsParts, thrown: unknown): Promise<unknown> {
  const tells =
    thrown instanceof CanopyError && (thrown.code === "not-found" || thrown.code === "conflict");
  if (!tells) return thrown;
  return settled(parts).then(
    () => thrown,
    (unsettled: unknown) => unsettled,
  );
}

/** Undefined for a request that says nothing of it. */
function toldService(target: Target, headers: IncomingMessage["headers"]): Service | undefined {
  const name = serviceNameOf(target, headers);
  const service = name === undefined ? undefined : serviceNamed(name);
  if (service) return service;
  const { "x-amz-target": asked } = headers;
  if (typeof asked === "string" && name === undefined) {
    const told = serviceOfTarget(asked.slice(0, Math.max(0, asked.lastIndexOf("."))));
    if (told) return told;
  }
  if (target.path === "/" && target.query !== "") {
    const version = parameterOf(target.query, "Version");
    const told = version === undefined ? undefined : serviceOfVersion(version);
    if (told && parameterOf(target.query, "Action") !== undefined) return told;
  }
  const isSigned =
    headers.authorization?.startsWith("AWS4-") === true ||
    target.query.includes("X-Amz-Credential");
  if (name !== undefined && isSigned) return absentService(name, target, headers);
  return asked === undefined ? undefined : absentService(undefined, target, headers);
}

function isForm({ method, headers }: IncomingMessage): boolean {
  return (
    method === "POST" &&
    headers.authorization === undefined &&
    headers["content-type"]?.startsWith("application/x-www-form-urlencoded") === true
  );
}

/** Of those that the service speaks, the one that the call is in. */
function protocolOf(
  { protocols: [first, ...more] }: Service,
  { headers }: IncomingMessage,
): ProtocolName {
  if (more.length === 0) return first!;
  const isJson = headers["content-type"]?.startsWith("application/x-amz-json") === true;
  const all = [first!, ...more];
  return all.find((name) => name.startsWith("awsJson") === isJson) ?? first!;
}

async function refuse(call: AwsCall, protocol: ProtocolName, thrown: unknown): Promise<void> {
  const { service, requestId, response, request, parts } = call;
  if (response.writableEnded) return; // it was cut off, and told so
  if (response.headersSent || response.destroyed) return void response.destroy();
  const error = inWordsOf(
    protocol,
    asAwsError(thrown, parts.log, `${service.name}:${call.operation}`),
  );
  // Headers that were meant for an answer are none of an error's.
  for (const name of response.getHeaderNames()) response.removeHeader(name);
  nameCall(call);
  if (service === s3 && request.headers.origin !== undefined) sayCors(call);
  if (error.status === 304)
    return send(response, { status: 304, headers: { ...error.headers }, body: undefined }, true);
  const schemas = await schemasOf(service).catch(() => undefined);
  const about = schemas?.error(error.awsCode);
  const outgoing = protocols[protocol].writeError(error, { service, requestId }, about);
  await send(response, outgoing, request.method === "HEAD").catch(() => response.destroy());
}

/** Who was answered goes on sending what nobody reads: there is an end to that. */
function cutOffSoon({ request, parts }: AwsCall): void {
  const socket = request.socket as IncomingMessage["socket"] | null;
  parts.clock.after(limits.unreadBodyMs, () => void (request.complete || socket?.destroy()), true);
}
