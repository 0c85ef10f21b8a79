import { AwsError } from "#/model/aws-error.ts";
import { Unreadable, scalarText } from "../schema/scalars.ts";
import type { Member, Shape } from "../schema/shape.ts";
import { escapeXml } from "../xml/escape.ts";
import { MalformedXml, parseXml } from "../xml/parse.ts";
import { bindingsOf, readHead, writeHead } from "./http-binding.ts";
import { requireMembers } from "./required.ts";
import type { Incoming, Outgoing, Protocol } from "./protocol.ts";
import { readable } from "./readable.ts";
import { readXml } from "./xml-read.ts";
import { attributesXml, membersXml } from "./xml-write.ts";

const declaration = '<?xml version="1.0" encoding="UTF-8"?>\n';

/** What S3 speaks. */
export const restXml: Protocol = {
  read({ input }, incoming) {
    const read = restXmlHead(input, incoming);
    const { payload, body } = bindingsOf(input);
    if (payload) readPayload(payload, incoming, read);
    else if (body.length > 0 && hasBody(incoming))
      Object.assign(read, document(input, input.traits.xmlName ?? input.name, incoming));
    requireMembers(input, read, (member) => {
      const { httpHeader, httpQuery } = member.traits;
      if (member.traits.httpPayload)
        return new AwsError("MissingRequestBodyError", 400, "Request Body is empty");
      return new AwsError(
        "InvalidRequest",
        400,
        `Missing required header or parameter for this request: ${httpHeader ?? httpQuery ?? member.name}`,
      );
    });
    return read;
  },
  write({ output, status }, value, { service }) {
    const given = value as Record<string, unknown>;
    const { status: own, headers } = writeHead(output, given, status);
    const { payload, body } = bindingsOf(output);
    const outgoing: Outgoing = { status: own, headers, body: undefined };
    if (payload) writePayload(payload, given, service.xmlNamespace, outgoing);
    else if (body.length > 0) {
      const name = output.traits.xmlName ?? output.name;
      const [only] = body;
      // The document of GetBucketLocation is its one value.
      const isUnwrapped = body.length === 1 && (only!.own.xmlName ?? only!.name) === name;
      const inner = isUnwrapped
        ? text(only!.shape, given[only!.name])
        : membersXml(output, given, isOfBody);
      outgoing.body = `${declaration}<${name} xmlns="${service.xmlNamespace}">${inner}</${name}>`;
      headers["content-type"] ??= "application/xml";
    }
    return outgoing;
  },
  writeError(error, { requestId }) {
    let fields = "";
    for (const [name, value] of Object.entries(error.fields))
      fields += `<${name}>${escapeXml(value)}</${name}>`;
    return {
      status: error.status,
      headers: { "content-type": "application/xml", ...error.headers },
      body: `${declaration}<Error><Code>${error.awsCode}</Code><Message>${escapeXml(error.message)}</Message>${fields}<RequestId>${requestId}</RequestId><HostId>${hostId(requestId)}</HostId></Error>`,
    };
  },
};

/** What S3 calls an extended request id. */
export function hostId(requestId: string): string {
  return btoa(`canopy/${requestId}`);
}

const isOfBody = ({ traits }: Member) =>
  traits.httpHeader === undefined &&
  traits.httpPrefixHeaders === undefined &&
  traits.httpResponseCode === undefined;

const hasBody = ({ body }: Incoming) => body !== undefined && body.length > 0;

function text(shape: Shape, value: unknown): string {
  return value === undefined || value === null
    ? ""
    : escapeXml(scalarText(shape, value, "date-time"));
}

/** What stands in the head of a request alone. Throws "InvalidArgument". */
export function restXmlHead(input: Shape, incoming: Incoming): Record<string, unknown> {
  return readable(
    () => readHead(input, incoming),
    (why) => new AwsError("InvalidArgument", 400, why),
  );
}

function readPayload(member: Member, incoming: Incoming, read: Record<string, unknown>): void {
  const { shape, traits } = member;
  if (shape.isStreaming || !hasBody(incoming)) return;
  if (shape.type === "blob") read[member.name] = incoming.body;
  else if (shape.type === "string") read[member.name] = utf8(incoming.body!);
  else read[member.name] = document(shape, traits.xmlName ?? shape.name, incoming);
}

function document(shape: Shape, name: string, { body }: Incoming): object {
  try {
    const root = parseXml(utf8(body!));
    if (root.name !== name) throw new Unreadable(`<${name}> is expected, not <${root.name}>`);
    return readXml(shape, root) as object;
  } catch (thrown) {
    if (thrown instanceof MalformedXml || thrown instanceof Unreadable)
      throw new AwsError(
        name === "AccessControlPolicy" ? "MalformedACLError" : "MalformedXML",
        400,
        "The XML you provided was not well-formed or did not validate against our published schema",
        { cause: thrown },
      );
    throw thrown;
  }
}

function utf8(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();
}

function writePayload(
  { name, shape, traits }: Member,
  given: Record<string, unknown>,
  namespace: string,
  outgoing: Outgoing,
): void {
  const value = given[name];
  if (value === undefined || value === null) return;
  const { headers } = outgoing;
  if (shape.type === "blob" || shape.type === "string") {
    outgoing.body = value as string | Uint8Array | AsyncIterable<Uint8Array>;
    headers["content-type"] ??=
      shape.type === "string" ? "application/json" : "application/octet-stream";
    return;
  }
  const root = traits.xmlName ?? shape.name;
  outgoing.body = `${declaration}<${root} xmlns="${namespace}"${attributesXml(shape, {}, value)}>${membersXml(shape, value)}</${root}>`;
  headers["content-type"] ??= "application/xml";
}
