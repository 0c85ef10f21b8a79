import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { test } from "node:test";
import fc from "fast-check";
import { routed } from "../answer-document.ts";
import { protocols, schemasOf } from "../schemas.ts";
import type { Service } from "../service.ts";
import { targetOf } from "../target.ts";
import { clientOptions } from "../testing/aws-port.ts";
import { arbitraryOf } from "../testing/arbitrary-shape.ts";
import { placeIn } from "../s3/place.ts";
import { s3Operation } from "../s3/route.ts";
import { s3 } from "../s3/service.ts";
import { sts } from "../sts/service.ts";
import type { OperationShapes, Outgoing, ProtocolName } from "./protocol.ts";

/** Just enough of what the SDK hands to whoever carries its requests. */
interface SdkRequest {
  method: string;
  path: string;
  query: Record<string, string | string[] | null>;
  headers: Record<string, string>;
  body?: unknown;
}

const service = (name: string, protocol: ProtocolName, xmlNamespace: string): Service => ({
  name,
  version: "",
  xmlNamespace,
  protocols: [protocol],
  schemas: () => import(`@aws-sdk/client-${name}`) as Promise<object>,
  operations: {},
});

const services: { service: Service; every: number; omits?: (operation: string) => boolean }[] = [
  {
    service: s3,
    every: 1,
    omits: (name) =>
      /^(SelectObjectContent|WriteGetObjectResponse|CreateSession|GetBucketLocation|ListDirectoryBuckets)$/.test(
        name,
      ),
  },
  { service: sts, every: 1 },
  { service: service("iam", "awsQuery", "https://iam.amazonaws.com/doc/2010-05-08/"), every: 4 },
  { service: service("kms", "awsJson1_1", ""), every: 3 },
  { service: service("sqs", "awsJson1_0", ""), every: 1 },
  { service: service("cloudtrail", "awsJson1_1", ""), every: 5 },
  { service: service("account", "restJson", ""), every: 1 },
  { service: service("lambda", "restJson", ""), every: 3 },
  {
    service: service("ec2", "ec2Query", "http://ec2.amazonaws.com/doc/2016-11-15"),
    every: 23,
  },
];

/** What clients fill in by themselves, or refuse before they send it. */
const left = new Set([
  "SSECustomerKey",
  "CopySourceSSECustomerKey",
  "SSECustomerKeyMD5",
  "CopySourceSSECustomerKeyMD5",
  "Expires",
  "ExpiresString",
  "ContentMD5",
  "ContentLength",
  "ContentType",
  "ExpectedBucketOwner",
  "ChecksumAlgorithm",
  "MFA",
]);

for (const { service: one, every, omits } of services) {
  const [protocol] = one.protocols;
  test(`${one.name}: what its client writes in ${protocol} is read, and what is written its client reads`, async () => {
    const exports = (await one.schemas()) as Record<string, unknown>;
    const schemas = await schemasOf(one);
    const names = Object.keys(exports)
      .filter((name) => name.endsWith("Command") && `${name.slice(0, -7)}$` in exports)
      .map((name) => name.slice(0, -7))
      .filter((name, index) => index % every === 0 && !omits?.(name));
    assert.ok(names.length > 5);
    for (const name of names) {
      const operation = schemas.operation(name)!;
      if (hasStream(operation)) continue;
      await fc.assert(
        fc.asyncProperty(inputOf(operation), outputOf(operation), async (input, output) => {
          const { seen, answer } = await exchange(one, exports, operation, input, output);
          for (const [key, value] of Object.entries(input))
            assert.deepEqual({ [key]: plain(seen[key]) }, { [key]: plain(value) }, name);
          for (const [key, value] of Object.entries(output))
            assert.deepEqual({ [key]: plain(answer[key]) }, { [key]: plain(value) }, name);
        }),
        { numRuns: 12, seed: 1 },
      );
    }
  });
}

function hasStream({ input, output }: OperationShapes): boolean {
  return [...input.members, ...output.members].some(({ shape }) => shape.isStreaming);
}

function inputOf({ input }: OperationShapes): fc.Arbitrary<Record<string, unknown>> {
  return (arbitraryOf(input) as fc.Arbitrary<Record<string, unknown> | undefined>).map((made) => {
    const given = Object.fromEntries(
      Object.entries(made ?? {}).filter(([name]) => !left.has(name)),
    );
    if ("Bucket" in given && input.member("Bucket")?.traits.httpLabel) given["Bucket"] = "a-bucket";
    return given;
  });
}

function outputOf({ output }: OperationShapes): fc.Arbitrary<Record<string, unknown>> {
  return (arbitraryOf(output) as fc.Arbitrary<Record<string, unknown> | undefined>).map((made) =>
    Object.fromEntries(
      Object.entries(made ?? {}).filter(
        // What is the answer's status cannot be any number.
        ([name]) => !name.startsWith("Expires") && !output.member(name)?.traits.httpResponseCode,
      ),
    ),
  );
}

/** Bytes whoever made them, in one form. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString("hex");
  if (value instanceof Date || typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(plain);
  return Object.fromEntries(Object.entries(value).map(([key, held]) => [key, plain(held)]));
}

/** One call of the SDK's client, read and answered by the protocol. */
async function exchange(
  one: Service,
  exports: Record<string, unknown>,
  operation: OperationShapes,
  input: object,
  output: object,
): Promise<{ seen: Record<string, unknown>; answer: Record<string, unknown> }> {
  const protocol = protocols[one.protocols[0]!];
  let seen: Record<string, unknown> = {};
  const requestHandler = {
    async handle(request: SdkRequest) {
      seen = read(one, operation, request, await schemasOf(one));
      return {
        response: answerOf(protocol.write(operation, output, { service: one, requestId: "r" })),
      };
    },
  };
  type Sending = new (options: object) => {
    send(command: unknown): Promise<Record<string, unknown>>;
  };
  const clientName = Object.keys(exports).find((name) => /^[A-Z]\w+Client$/.test(name))!;
  const client = new (exports[clientName] as Sending)({
    ...clientOptions("http://127.0.0.1:1"),
    requestHandler,
    md5: false,
    useQueueUrlAsEndpoint: false,
    requestChecksumCalculation: "WHEN_REQUIRED",
  });
  const Command = exports[`${operation.name}Command`] as new (input: object) => unknown;
  const answer = await client.send(new Command(input));
  return { seen, answer };
}

function read(
  one: Service,
  operation: OperationShapes,
  { method, path, query, headers, body }: SdkRequest,
  schemas: Awaited<ReturnType<typeof schemasOf>>,
): Record<string, unknown> {
  const pairs = Object.entries(query).flatMap(([name, value]) =>
    [value]
      .flat()
      .map((text) =>
        text === null
          ? encodeURIComponent(name)
          : `${encodeURIComponent(name)}=${encodeURIComponent(text)}`,
      ),
  );
  const target = targetOf(method, pairs.length > 0 ? `${path}?${pairs.join("&")}` : path);
  const lower = Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]),
  );
  const bytes = body === undefined ? undefined : Buffer.from(body as string);
  const incoming = { service: one, target, headers: lower, body: bytes };
  if (one.protocols[0] === "restJson") {
    const { operation: found, labels } = routed(target, lower, schemas);
    assert.equal(found, operation.name);
    return protocols.restJson.read(operation, { ...incoming, labels });
  }
  if (one !== s3) return protocols[one.protocols[0]!].read(operation, incoming);
  placeIn(target, headers["host"]);
  assert.equal(s3Operation(target, lower, schemas), operation.name);
  const labels = { Bucket: target.bucket!, Key: target.key! };
  return protocols.restXml.read(operation, { ...incoming, labels });
}

function answerOf({ status, headers, body }: Outgoing): object {
  return {
    statusCode: status,
    headers,
    body: Readable.from([Buffer.from((body as string) ?? "")]),
  };
}
