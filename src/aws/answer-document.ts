import type { IncomingHttpHeaders } from "node:http";
import { claimOf } from "#/access/signatures/claim.ts";
import type { SignedRequest } from "#/access/signatures/signed-request.ts";
import { limits } from "#/base/limits.ts";
import { AwsError } from "#/model/aws-error.ts";
import type { AwsCall } from "./aws-call.ts";
import { fitOf, labelsOf } from "./http-routes.ts";
import { nameCall } from "./name-call.ts";
import { operationOf } from "./operations.ts";
import type { Incoming, ProtocolName } from "./protocols/protocol.ts";
import { queryOf } from "./protocols/query.ts";
import { readDocument } from "./read-body.ts";
import { authorizeAll, runOperation } from "./run-operation.ts";
import { protocols, schemasOf, type Schemas } from "./schemas.ts";
import type { Service } from "./service.ts";
import type { Target } from "./target.ts";

/** A call of any service but S3: its body is one document, and signed as such. Throws what is wrong with it. */
export async function answerDocument(
  call: AwsCall,
  protocol: ProtocolName,
  read: Uint8Array | undefined,
): Promise<void> {
  const { target, request, service, parts, response } = call;
  const { headers } = request;
  nameCall(call);
  if (headers.expect !== undefined) response.writeContinue();
  const body = read ?? (await documentOf(call));
  const incoming: Incoming = { service, target, headers, body };
  const schemas = await schemasOf(service);
  const name = operationName(protocol, incoming, schemas);
  if (isName.test(name)) call.operation = name;
  call.verified = parts.signatures.verify(request as SignedRequest, body);
  const shapes = schemas.operation(name);
  const operation = shapes && (await operationOf(service, name));
  if (!operation) throw unknown(protocol, name, service);
  if (call.caller.kind === "anonymous") throw missingToken();
  if ("answersItself" in operation) return operation.run(call);
  const input = protocols[protocol].read(shapes, incoming);
  authorizeAll(call, await operation.asks(input, call));
  if (protocol === "ec2Query" && input["DryRun"] === true)
    throw new AwsError(
      "DryRunOperation",
      412,
      "Request would have succeeded, but DryRun flag is set.",
    );
  await runOperation(call, protocol, operation, shapes, input);
}

async function documentOf({ service, target, request, parts }: AwsCall): Promise<Uint8Array> {
  const { "content-length": announced } = request.headers;
  const bytesMax = service.documentBytesMax?.(target) ?? limits.awsDocumentBytesMax;
  // Nothing is verified before all of it is in memory: who brings much must name a key that there is.
  const isMuch = announced === undefined || Number(announced) > limits.awsDocumentBytesMax;
  if (bytesMax > limits.awsDocumentBytesMax && isMuch) {
    const claim = claimOf(request as SignedRequest);
    if (!claim) throw missingToken();
    parts.identities.find(claim.accessKeyId, claim.sessionToken, service.name);
  }
  return readDocument(request, announced, bytesMax);
}

const missingToken = () =>
  new AwsError("MissingAuthenticationToken", 403, "Missing Authentication Token");

/** The operation that is asked for. Sets the labels of its path, where it has such. */
function operationName(protocol: ProtocolName, incoming: Incoming, schemas: Schemas): string {
  const { target, headers } = incoming;
  if (protocol === "awsJson1_0" || protocol === "awsJson1_1") {
    const asked = String(headers["x-amz-target"] ?? "");
    if (target.method !== "POST") throw unknown(protocol, asked, incoming.service);
    return asked.slice(asked.lastIndexOf(".") + 1);
  }
  if (protocol === "awsQuery" || protocol === "ec2Query") {
    const action = queryOf(incoming).parts?.get("Action")?.value;
    if (action === undefined || action === "")
      throw new AwsError("MissingAction", 400, "The request must contain the parameter Action");
    return action;
  }
  const found = routed(target, headers, schemas);
  incoming.labels = found.labels;
  return found.operation;
}

/** The operation that has a request's address, and what the address tells it; "" where none has. */
export function routed(
  target: Target,
  headers: IncomingHttpHeaders,
  schemas: Pick<Schemas, "routes">,
): { operation: string; labels: Record<string, string> } {
  let bestFit = -1;
  let best: { operation: string; labels: Record<string, string> } = { operation: "", labels: {} };
  for (const route of schemas.routes(target.method)) {
    const labels = labelsOf(route, target.path);
    const fit = labels ? fitOf(route, target, headers) : -1;
    if (fit <= bestFit) continue;
    bestFit = fit;
    best = { operation: route.operation, labels: labels! };
  }
  return { ...best, labels: decodedLabels(best.labels) };
}

function decodedLabels(labels: Record<string, string>): Record<string, string> {
  try {
    return Object.fromEntries(
      Object.entries(labels).map(([name, text]) => [name, decodeURIComponent(text)]),
    );
  } catch {
    throw new AwsError("InvalidRequest", 400, "The address is not encoded as addresses are");
  }
}

/** What may stand in the trail, where strangers' words stand too. */
const isName = /^[A-Za-z]\w{0,99}$/;

function unknown(protocol: ProtocolName, name: string, service: Service): AwsError {
  const shown = name.slice(0, 100);
  const where = service.isAbsent ? `: there is no service '${service.name}' at this door` : "";
  if (protocol === "awsQuery" || protocol === "ec2Query")
    return new AwsError(
      "InvalidAction",
      400,
      `The action ${shown} is not valid for this web service${where || "."}`,
    );
  if (protocol === "restXml") return new AwsError("NotImplemented", 501, `Not implemented${where}`);
  const code = "UnknownOperationException";
  return new AwsError(
    code,
    protocol === "restJson" ? 404 : 400,
    `${shown === "" ? "This operation" : `The operation '${shown}'`} is not known${where}`,
    { headers: { "x-amzn-errortype": code } },
  );
}
