import { bytesOf, textOf } from "#/base/body.ts";
import { sleep } from "#/base/clock.ts";
import { CanopyError } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import type { HttpResponse } from "#/base/network.ts";
import { AwsError } from "#/model/aws-error.ts";
import type { World } from "../world.ts";
import { readError } from "./answers.ts";
import type { ObjectsDoor } from "./door.ts";
import type { ObjectName } from "./place.ts";
import {
  encoded,
  presignedUrl,
  queryText,
  sha256,
  signedHeaders,
  unsignedPayload,
  type SignedCall,
} from "./signature.ts";

interface CallInput {
  query?: Record<string, string>;
  headers?: Record<string, string>;
  body?: Uint8Array | string;
  signal?: AbortSignal | undefined;
}

export type CallParts = Pick<World, "request" | "clock" | "random">;

/** Calls of one S3-compatible store, signed, and made again when they cannot get through or are told to come again. */
export class ObjectCalls {
  readonly #door: ObjectsDoor;
  readonly #world: CallParts;

  constructor(door: ObjectsDoor, world: CallParts) {
    this.#door = door;
    this.#world = world;
  }

  /** The text of an answer, which says that the call went well. Without a name it is about all buckets. */
  async text(method: string, name: ObjectName | undefined, input: CallInput = {}): Promise<string> {
    const { clock } = this.#world;
    for (let tries = 1; ; tries++) {
      const text = await textOf((await this.send(method, name, input)).body);
      // What takes long is answered with 200 before it is known how it ends.
      const error = await readError(text);
      if (!error) return text;
      const refused = new AwsError(error.code, 500, error.message);
      if (tries >= limits.objectTriesMax || !passing.has(error.code)) throw refused;
      await sleep(clock, waitOf(tries, this.#world), input.signal);
    }
  }

  /** An answer whose body is still to be read. */
  async send(
    method: string,
    name: ObjectName | undefined,
    input: CallInput,
  ): Promise<HttpResponse> {
    const { clock } = this.#world;
    for (let tries = 1; ; tries++) {
      const outcome = await this.#once(method, name, input);
      if (!(outcome instanceof CanopyError)) return outcome;
      if (tries >= limits.objectTriesMax || !isPassing(outcome)) throw outcome;
      await sleep(clock, waitOf(tries, this.#world), input.signal);
    }
  }

  /** An address for one call, good until it expires. */
  presigned(
    method: string,
    name: ObjectName,
    expiresMs: number,
    headers: Record<string, string>,
  ): string {
    const { credentials, region } = this.#door;
    return presignedUrl(this.#callOf(method, name, { headers }), {
      credentials,
      region,
      expiresMs,
      nowMs: this.#world.clock.now(),
    });
  }

  async #once(
    method: string,
    name: ObjectName | undefined,
    input: CallInput,
  ): Promise<HttpResponse | CanopyError> {
    const { body, signal } = input;
    const call = this.#callOf(method, name, input);
    const { credentials, region } = this.#door;
    // Where TLS keeps the bytes whole, the checksum that is signed beside says enough of them.
    const isSealed = call.origin.startsWith("https:") && body !== undefined;
    const payload = isSealed ? unsignedPayload : sha256(body ?? "");
    const headers = signedHeaders(call, payload, {
      credentials,
      region,
      nowMs: this.#world.clock.now(),
    });
    const query = queryText(call.query);
    try {
      const response = await this.#world.request({
        method,
        url: `${call.origin}${call.path}${query === "" ? "" : `?${query}`}`,
        headers: {
          ...headers,
          ...((body !== undefined || method === "PUT" || method === "POST") && {
            "content-length": String(body === undefined ? 0 : Buffer.byteLength(body)),
          }),
        },
        ...(body !== undefined && { body }),
        ...(signal && { signal }),
      });
      return response.status < 300 ? response : await refusal(response, method, name);
    } catch (thrown) {
      if (signal?.aborted) throw signal.reason;
      if (thrown instanceof CanopyError) return thrown;
      throw thrown;
    }
  }

  #callOf(method: string, name: ObjectName | undefined, input: CallInput): SignedCall {
    const origin = this.#door.endpoint;
    const path =
      name === undefined ? "/" : `/${name.bucket}${name.key === "" ? "" : `/${pathOf(name.key)}`}`;
    return { method, origin, path, query: input.query ?? {}, headers: input.headers ?? {} };
  }
}

/** Codes of what passes by itself. */
const passing = new Set(["InternalError", "SlowDown", "ServiceUnavailable", "RequestTimeout"]);

function isPassing(error: CanopyError): boolean {
  if (error instanceof AwsError)
    return (
      passing.has(error.awsCode) ||
      error.status === 429 ||
      (error.status >= 500 && error.status !== 501 && error.status !== 507)
    );
  return error.code === "unavailable";
}

function waitOf(tries: number, { random }: Pick<CallParts, "random">): number {
  const mostMs = Math.min(limits.reconnectMsMax, limits.reconnectMsMin * 2 ** (tries - 1));
  return mostMs * (0.5 + random.fraction() / 2);
}

/** Each part between slashes encoded by itself. */
export function pathOf(key: string): string {
  return key.split("/").map(encoded).join("/");
}

async function refusal(
  response: HttpResponse,
  method: string,
  name: ObjectName | undefined,
): Promise<AwsError> {
  const text = (await bytesOf(response.body).catch(() => Buffer.alloc(0))).toString();
  const error = await readError(text);
  const code = error?.code ?? codes[response.status] ?? String(response.status);
  const what = name === undefined ? "the buckets" : `s3://${name.bucket}/${name.key}`;
  const said = error?.message ?? `it answered ${response.status}`;
  return new AwsError(
    code,
    response.status,
    `Cannot ${verbs[method] ?? method} ${what}: ${said} (${code})`,
  );
}

const verbs: Record<string, string> = {
  GET: "read",
  HEAD: "read",
  PUT: "write",
  POST: "change",
  DELETE: "remove",
};

/** Of answers without a body. */
const codes: Record<number, string> = {
  304: "NotModified",
  403: "AccessDenied",
  404: "NotFound",
  412: "PreconditionFailed",
  416: "InvalidRange",
};
