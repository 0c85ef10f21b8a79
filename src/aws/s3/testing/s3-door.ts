import { connect } from "node:net";
import { CreateBucketCommand, S3Client } from "@aws-sdk/client-s3";
import { queryText, sha256, signedHeaders } from "#/sdk/objects/signature.ts";
import {
  accessKeyId,
  clientOptions,
  region,
  secretAccessKey,
  startAwsPort,
} from "../../testing/aws-port.ts";

export const credentials = { accessKeyId, secretAccessKey };

/** What came back over a raw connection. */
export interface RawAnswer {
  status: number;
  headers: Map<string, string>;
  body: string;
  /** Of an error's document. */
  code: string | undefined;
}

export interface RawRequest {
  method: string;
  /** Encoded, from "/" on. */
  path: string;
  query?: Record<string, string>;
  headers?: Record<string, string>;
  body?: Uint8Array | string;
  /** What the signature says of the body, where that is not its hash. */
  contentHash?: string;
  /** Sent beside what was signed. */
  unsignedHeaders?: Record<string, string>;
  isAnonymous?: boolean;
  /** Names the whole address in the first line, as for a proxy. */
  isAbsolute?: boolean;
  /** Sends the head alone, and what is in `body` only after the server asked for it. */
  waitsForContinue?: boolean;
  /** Ends the connection after the body, as one who goes away. */
  hangsUp?: boolean;
}

/** A door of S3 with one bucket, which the SDK's client and raw requests reach. */
export async function startS3(bucket: string) {
  const aws = await startAwsPort();
  const client = new S3Client(clientOptions(aws.endpoint));
  await client.send(new CreateBucketCommand({ Bucket: bucket }));
  return {
    ...aws,
    client,
    raw: (request: RawRequest) => rawRequest(aws, request),
    async stop() {
      client.destroy();
      await aws.stop();
    },
  };
}

/** Sends one request as its letters are, and reads one answer. */
async function rawRequest(
  { endpoint, port }: { endpoint: string; port: number },
  request: RawRequest,
): Promise<RawAnswer> {
  const { method, path, query = {}, headers = {}, isAnonymous = false } = request;
  const body = Buffer.from(request.body ?? "");
  const call = { method, origin: endpoint, path, query, headers };
  const by = { credentials, region, nowMs: Date.now() };
  const signed = isAnonymous
    ? headers
    : signedHeaders(call, request.contentHash ?? sha256(body), by);
  const all: Record<string, string> = {
    host: `127.0.0.1:${port}`,
    "content-length": String(body.length),
    connection: "close",
    ...signed,
    ...request.unsignedHeaders,
  };
  if (request.waitsForContinue) all["expect"] = "100-continue";
  const search = queryText(query);
  const origin = request.isAbsolute ? endpoint : "";
  const head = `${method} ${origin}${path}${search === "" ? "" : `?${search}`} HTTP/1.1\r\n${Object.entries(
    all,
  )
    .filter(([, value]) => value !== "(none)")
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join("")}\r\n`;
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1");
    let answer = "";
    let hasContinued = false;
    socket.on("connect", () => {
      socket.write(head, "latin1");
      if (!request.waitsForContinue) socket.write(body);
      if (request.hangsUp) socket.end();
    });
    socket.on("data", (piece: Buffer) => {
      answer += piece.toString("latin1");
      if (request.waitsForContinue && !hasContinued && answer.startsWith("HTTP/1.1 100")) {
        hasContinued = true;
        answer = answer.slice(answer.indexOf("\r\n\r\n") + 4);
        socket.write(body);
      }
    });
    socket.on("error", reject);
    socket.on("close", () => resolve(readAnswer(answer)));
  });
}

function readAnswer(text: string): RawAnswer {
  const end = text.indexOf("\r\n\r\n");
  const [first = "", ...lines] = text.slice(0, end).split("\r\n");
  const headers = new Map(
    lines.map((line) => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const;
    }),
  );
  const body = text.slice(end + 4);
  return {
    status: Number(first.split(" ")[1]),
    headers,
    body,
    code: /<Code>(\w+)<\/Code>/.exec(body)?.[1],
  };
}
