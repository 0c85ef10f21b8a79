import { verifiedBytes } from "#/access/signatures/body.ts";
import { refuse } from "#/access/signatures/refusals.ts";
import { isOldSigned } from "#/access/signatures/version2.ts";
import { AwsError } from "#/model/aws-error.ts";
import type { AwsCall } from "./aws-call.ts";
import type { HttpRoute } from "./http-routes.ts";
import { nameCall } from "./name-call.ts";
import { operationOf } from "./operations.ts";
import { bindingsOf } from "./protocols/http-binding.ts";
import type { Incoming, OperationShapes } from "./protocols/protocol.ts";
import { restXml, restXmlHead } from "./protocols/rest-xml.ts";
import { readDocument } from "./read-body.ts";
import { authorizeAll, runOperation } from "./run-operation.ts";
import { checkDigest } from "./s3/digest.ts";
import { hoistHeaders } from "./s3/hoisted.ts";
import { placeIn } from "./s3/place.ts";
import { sayCors } from "./s3/say-cors.ts";
import { s3Operation } from "./s3/route.ts";
import { schemasNow, schemasOf } from "./schemas.ts";

/** A call of S3. Throws what is wrong with it. */
export async function answerS3(call: AwsCall): Promise<void> {
  const { target, request, service, parts } = call;
  const { headers } = request;
  placeIn(target, headers.host);
  if (headers.origin !== undefined) sayCors(call);
  const schemas = schemasNow(service) ?? (await schemasOf(service));
  const signed = hoistHeaders(request, target.query);
  const name = s3Operation(target, headers, schemas);
  call.operation = name;
  const found = operationOf(service, name);
  const operation = found instanceof Promise ? await found : found;
  const isOpen = operation !== undefined && "answersItself" in operation && operation.isOpen;
  if (!isOpen) {
    const hostBucket = target.isVirtualHost === true ? target.bucket : undefined;
    call.verified = parts.signatures.verify(signed, undefined, hostBucket);
    if (call.verified.version === 2) checkSelection(schemas.routes(target.method), name);
  }
  if (!operation) throw notImplemented();
  // These write their heads at once, which is cheaper.
  if ("answersItself" in operation && !isOpen) return operation.run(call);
  nameCall(call);
  if ("answersItself" in operation) return operation.run(call);
  const shapes = schemas.operation(name)!;
  const labels = {
    ...(target.bucket !== undefined && { Bucket: target.bucket }),
    ...(target.key !== undefined && { Key: target.key }),
  };
  const incoming: Incoming = { service, target, headers, body: undefined, labels };
  // Who may not is told so, whatever is in the body.
  authorizeAll(call, await operation.asks(restXmlHead(shapes.input, incoming), call));
  call.takeBody();
  if (!streams(shapes)) incoming.body = await readBody(call);
  await runOperation(call, "restXml", operation, shapes, restXml.read(shapes, incoming));
}

/** Signatures of version 2 cover some parameters only: an operation that another one selects is none that was signed. */
function checkSelection(routes: readonly HttpRoute[], operation: string): void {
  const route = routes.find((one) => one.operation === operation);
  const selecting = [
    ...(route?.literals ?? []).map(([name]) => name),
    ...(route?.neededParameters ?? []),
  ];
  if (!selecting.every(isOldSigned)) throw refuse.oldVersion();
}

async function readBody({ request, verified }: AwsCall): Promise<Uint8Array> {
  const { headers } = request;
  const raw = await readDocument(request, headers["content-length"]);
  const { bytes } = verifiedBytes(raw, verified.content);
  await checkDigest({ headers }, bytes, { isRequired: false });
  return bytes;
}

function streams({ input }: OperationShapes): boolean {
  return bindingsOf(input).payload?.shape.isStreaming === true;
}

function notImplemented(): AwsError {
  return new AwsError(
    "NotImplemented",
    501,
    "A header you provided implies functionality that is not implemented",
  );
}
