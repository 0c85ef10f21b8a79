import { AwsError } from "#/model/aws-error.ts";
import { bindingsOf, readHead, writeHead } from "./http-binding.ts";
import { readJson, writeJson } from "./json-values.ts";
import type { Incoming, Outgoing, Protocol } from "./protocol.ts";
import { readable } from "./readable.ts";
import { requireMembers } from "./required.ts";
import type { Shape } from "../schema/shape.ts";

function parsed(body: Uint8Array | undefined): unknown {
  if (!body || body.length === 0) return {};
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
  } catch {
    throw new AwsError("SerializationException", 400, "The body is no JSON");
  }
}

function readBody(input: Shape, { body }: Incoming): Record<string, unknown> {
  const value = parsed(body);
  if (input.type === "unit") return {};
  return readJson(input, value) as Record<string, unknown>;
}

const unreadableBody = (why: string) =>
  new AwsError("SerializationException", 400, `The body cannot be read: ${why}`);

function checked(input: Shape, read: Record<string, unknown>): Record<string, unknown> {
  requireMembers(
    input,
    read,
    ({ name }) =>
      new AwsError(
        "ValidationException",
        400,
        `1 validation error detected: Value null at '${name.charAt(0).toLowerCase()}${name.slice(1)}' failed to satisfy constraint: Member must not be null`,
      ),
  );
  return read;
}

function rpc(version: "1.0" | "1.1"): Protocol {
  const type = `application/x-amz-json-${version}`;
  return {
    read: ({ input }, incoming) =>
      checked(
        input,
        readable(() => readBody(input, incoming), unreadableBody),
      ),
    write: ({ output }, value): Outgoing => ({
      status: 200,
      headers: { "content-type": type },
      body: JSON.stringify(output.type === "unit" ? {} : writeJson(output, value)),
    }),
    writeError(error, { service }, about): Outgoing {
      const name = about?.fullName ?? error.awsCode;
      // Schemas name what a query's clients called it for others too, whose clients would take it for the name.
      const queryCode = service.protocols.includes("awsQuery") ? about?.queryCode : undefined;
      return {
        status: error.status,
        headers: {
          "content-type": type,
          ...(queryCode !== undefined && {
            "x-amzn-query-error": `${queryCode};${error.status < 500 ? "Sender" : "Receiver"}`,
          }),
          ...error.headers,
        },
        body: JSON.stringify({
          __type: version === "1.1" ? error.awsCode : name,
          message: error.message,
          ...error.fields,
        }),
      };
    },
  };
}

/** What SQS speaks. */
export const awsJson1_0 = rpc("1.0");

/** What KMS and CloudTrail speak. */
export const awsJson1_1 = rpc("1.1");

/** JSON with methods, addresses and headers. */
export const restJson: Protocol = {
  read: ({ input }, incoming) =>
    checked(
      input,
      readable(() => {
        const read = readHead(input, incoming);
        const { payload, body } = bindingsOf(input);
        if (payload) {
          if (incoming.body && incoming.body.length > 0 && !payload.shape.isStreaming)
            read[payload.name] = payloadOf(payload.shape, incoming.body);
        } else if (body.length > 0) {
          const object = readBody(input, incoming);
          for (const { name } of body) if (object[name] !== undefined) read[name] = object[name];
        }
        return read;
      }, unreadableBody),
    ),
  write({ output, status }, value): Outgoing {
    const given = value as Record<string, unknown>;
    const { status: own, headers } = writeHead(output, given, status);
    const { payload, body } = bindingsOf(output);
    const outgoing: Outgoing = { status: own, headers, body: undefined };
    headers["content-type"] ??= "application/json";
    if (payload) {
      const held = given[payload.name];
      if (held === undefined || held === null) return outgoing;
      outgoing.body =
        payload.shape.type === "blob" || payload.shape.type === "string"
          ? (held as Uint8Array | string)
          : JSON.stringify(writeJson(payload.shape, held));
    } else {
      const written = writeJson(output, given) as Record<string, unknown> | undefined;
      const names = body.map(({ traits, name }) => traits.jsonName ?? name);
      outgoing.body = JSON.stringify(
        Object.fromEntries(
          names
            .filter((name) => written?.[name] !== undefined)
            .map((name) => [name, written![name]]),
        ),
      );
    }
    return outgoing;
  },
  writeError: (error): Outgoing => ({
    status: error.status,
    headers: {
      "content-type": "application/json",
      "x-amzn-errortype": error.awsCode,
      ...error.headers,
    },
    body: JSON.stringify({ message: error.message, ...error.fields }),
  }),
};

function payloadOf(shape: Shape, body: Uint8Array): unknown {
  if (shape.type === "blob") return body;
  if (shape.type === "string") return Buffer.from(body).toString();
  return readJson(shape, parsed(body));
}
