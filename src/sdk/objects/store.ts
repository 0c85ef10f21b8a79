import { createHash } from "node:crypto";
import { textOf } from "#/base/body.ts";
import type { HttpResponse } from "#/base/network.ts";
import { AwsError } from "#/model/aws-error.ts";
import {
  bare,
  escaped,
  readBuckets,
  readPage,
  readParts,
  readUndeleted,
  readUploadId,
  type ListedObject,
  type ListedPart,
  type ListPage,
} from "./answers.ts";
import { ObjectCalls, pathOf, type CallParts } from "./calls.ts";
import type { ObjectsDoor } from "./door.ts";
import type { ObjectName } from "./place.ts";

/** What is told of an object beside its bytes. */
export interface ObjectHead {
  sizeBytes: number;
  etag: string;
  modifiedMs: number;
  contentType: string;
  versionId?: string;
  /** The user's own: names without "x-amz-meta-". */
  metadata: Record<string, string>;
  headers: Readonly<Record<string, string>>;
}

/**
 * Buckets and objects of one S3-compatible store: each call once signed, and repeated with growing waits when it
 * cannot get through or is told to come again. Throws AwsError with the store's own code.
 */
export class ObjectsClient {
  readonly door: ObjectsDoor;
  readonly #calls: ObjectCalls;

  constructor(door: ObjectsDoor, world: CallParts) {
    this.door = door;
    this.#calls = new ObjectCalls(door, world);
  }

  async *buckets(): AsyncGenerator<{ name: string; createdMs: number }> {
    for (let next: string | undefined, isFirst = true; isFirst || next !== undefined;) {
      isFirst = false;
      const query: Record<string, string> =
        next === undefined ? {} : { "continuation-token": next };
      const page = await readBuckets(await this.#calls.text("GET", undefined, { query }));
      yield* page.buckets;
      ({ next } = page);
    }
  }

  async makeBucket(bucket: string): Promise<void> {
    await this.#calls.text("PUT", { bucket, key: "" });
  }

  async removeBucket(bucket: string): Promise<void> {
    await this.#calls.text("DELETE", { bucket, key: "" });
  }

  /** One page of keys in the order of their bytes; with a delimiter, what is below one is told by its prefix. */
  async page(
    { bucket, key: prefix }: ObjectName,
    asked: { delimiter?: string; after?: string; max?: number } = {},
  ): Promise<ListPage> {
    const query: Record<string, string> = {
      "list-type": "2",
      "encoding-type": "url",
      ...(prefix !== "" && { prefix }),
      ...(asked.delimiter !== undefined && { delimiter: asked.delimiter }),
      ...(asked.after !== undefined && { "continuation-token": asked.after }),
      ...(asked.max !== undefined && { "max-keys": String(asked.max) }),
    };
    return readPage(await this.#calls.text("GET", { bucket, key: "" }, { query }));
  }

  /** All objects whose keys begin so, in the order of their bytes. */
  async *objects(name: ObjectName): AsyncGenerator<ListedObject> {
    for (let after: string | undefined, isFirst = true; isFirst || after !== undefined;) {
      isFirst = false;
      const page = await this.page(name, after === undefined ? {} : { after });
      yield* page.objects;
      after = page.next;
    }
  }

  /** Throws "NotFound" where there is none. */
  async head(name: ObjectName, signal?: AbortSignal): Promise<ObjectHead> {
    const response = await this.#calls.send("HEAD", name, { signal, headers: checksumsAsked });
    // Read to its end, that there is none of: only then its connection is free for the next call.
    await textOf(response.body);
    return headOf(response);
  }

  /** The object from `start` on, or up to `end` (exclusive); only as it was with `etag`, if given. */
  async get(
    name: ObjectName,
    asked: { start?: number; end?: number; etag?: string; signal?: AbortSignal | undefined } = {},
  ): Promise<ObjectHead & { body: AsyncIterable<Uint8Array> }> {
    const { start, end, etag, signal } = asked;
    const headers: Record<string, string> = {
      ...checksumsAsked,
      ...(etag !== undefined && { "if-match": `"${etag}"` }),
      ...((start !== undefined || end !== undefined) && {
        range: `bytes=${start ?? 0}-${end === undefined ? "" : end - 1}`,
      }),
    };
    const response = await this.#calls.send("GET", name, { headers, signal });
    return { ...headOf(response), body: response.body };
  }

  /** Writes an object at once; what came is compared with a checksum on the other side. Gives its ETag. */
  async put(
    name: ObjectName,
    body: Uint8Array,
    headers: Record<string, string> = {},
    signal?: AbortSignal,
  ): Promise<{ etag: string }> {
    const response = await this.#calls.send("PUT", name, { body, headers, signal });
    await textOf(response.body);
    return { etag: bare(response.headers["etag"]) };
  }

  async delete(name: ObjectName): Promise<void> {
    await this.#calls.text("DELETE", name);
  }

  /** Removes up to 1,000 objects; gives those that could not be, and why. */
  async deleteMany(
    bucket: string,
    keys: readonly string[],
  ): Promise<{ key: string; message: string }[]> {
    const objects = keys.map((key) => `<Object><Key>${escaped(key)}</Key></Object>`).join("");
    const body = `<Delete xmlns="${namespace}"><Quiet>true</Quiet>${objects}</Delete>`;
    const headers = {
      "content-type": "application/xml",
      "content-md5": createHash("md5").update(body).digest("base64"),
    };
    const asked = { query: { delete: "" }, headers, body };
    return readUndeleted(await this.#calls.text("POST", { bucket, key: "" }, asked));
  }

  /** Copies on the other side, its metadata with it, or `headers` in its place. An object above 5 GiB has to be copied in parts. */
  async copy(
    from: ObjectName,
    to: ObjectName,
    etag?: string,
    headers?: Record<string, string>,
  ): Promise<void> {
    await this.#calls.text("PUT", to, {
      headers: {
        ...(headers && { ...headers, "x-amz-metadata-directive": "REPLACE" }),
        "x-amz-copy-source": `/${from.bucket}/${pathOf(from.key)}`,
        ...(etag !== undefined && { "x-amz-copy-source-if-match": `"${etag}"` }),
      },
    });
  }

  async beginUpload(name: ObjectName, headers: Record<string, string>): Promise<string> {
    const asked = {
      query: { uploads: "" },
      headers: {
        ...headers,
        "x-amz-checksum-algorithm": "CRC32",
        "x-amz-checksum-type": "FULL_OBJECT",
      },
    };
    return readUploadId(await this.#calls.text("POST", name, asked));
  }

  /** Gives the part's ETag. */
  async putPart(
    name: ObjectName,
    part: { uploadId: string; number: number; body: Uint8Array; crc32: string },
    signal?: AbortSignal,
  ): Promise<string> {
    const response = await this.#calls.send("PUT", name, {
      query: { partNumber: String(part.number), uploadId: part.uploadId },
      headers: { "x-amz-checksum-crc32": part.crc32 },
      body: part.body,
      signal,
    });
    await textOf(response.body);
    return bare(response.headers["etag"]);
  }

  async copyPart(
    from: ObjectName,
    to: ObjectName,
    part: { uploadId: string; number: number; start: number; end: number; etag: string },
  ): Promise<string> {
    const text = await this.#calls.text("PUT", to, {
      query: { partNumber: String(part.number), uploadId: part.uploadId },
      headers: {
        "x-amz-copy-source": `/${from.bucket}/${pathOf(from.key)}`,
        "x-amz-copy-source-range": `bytes=${part.start}-${part.end - 1}`,
        "x-amz-copy-source-if-match": `"${part.etag}"`,
      },
    });
    return bare(/<ETag>([^<]*)<\/ETag>/.exec(text)?.[1]);
  }

  /** Parts that came; undefined when the upload is gone. */
  async parts(name: ObjectName, uploadId: string): Promise<ListedPart[] | undefined> {
    const all: ListedPart[] = [];
    try {
      for (let after: string | undefined; ;) {
        const query = { uploadId, ...(after !== undefined && { "part-number-marker": after }) };
        const { parts, next } = await readParts(await this.#calls.text("GET", name, { query }));
        all.push(...parts);
        if (next === undefined) return all;
        after = next;
      }
    } catch (thrown) {
      if (thrown instanceof AwsError && thrown.status === 404) return undefined;
      throw thrown;
    }
  }

  async completeUpload(
    name: ObjectName,
    uploadId: string,
    parts: readonly { number: number; etag: string; crc32?: string }[],
    crc32?: string,
  ): Promise<void> {
    const listed = parts.map(
      (part) =>
        `<Part><PartNumber>${part.number}</PartNumber><ETag>"${part.etag}"</ETag>` +
        `${part.crc32 === undefined ? "" : `<ChecksumCRC32>${part.crc32}</ChecksumCRC32>`}</Part>`,
    );
    await this.#calls.text("POST", name, {
      query: { uploadId },
      headers: {
        "content-type": "application/xml",
        ...(crc32 !== undefined && {
          "x-amz-checksum-crc32": crc32,
          "x-amz-checksum-type": "FULL_OBJECT",
        }),
      },
      body: `<CompleteMultipartUpload xmlns="${namespace}">${listed.join("")}</CompleteMultipartUpload>`,
    });
  }

  async abortUpload(name: ObjectName, uploadId: string): Promise<void> {
    await this.#calls.text("DELETE", name, { query: { uploadId } });
  }

  /** An address with which whoever has it may make that one call, with these headers, until it expires. */
  presign(
    method: "GET" | "PUT" | "DELETE" | "HEAD",
    name: ObjectName,
    expiresMs: number,
    headers: Record<string, string> = {},
  ): string {
    return this.#calls.presigned(method, name, expiresMs, headers);
  }
}

const namespace = "http://s3.amazonaws.com/doc/2006-03-01/";
const checksumsAsked = { "x-amz-checksum-mode": "ENABLED" };

function headOf({ headers }: HttpResponse): ObjectHead {
  const metadata: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers))
    if (name.startsWith("x-amz-meta-")) metadata[name.slice("x-amz-meta-".length)] = value;
  const whole = /\/(\d+)$/.exec(headers["content-range"] ?? "")?.[1];
  const versionId = headers["x-amz-version-id"];
  return {
    sizeBytes: Number(whole ?? headers["content-length"] ?? 0),
    etag: bare(headers["etag"]),
    modifiedMs: Date.parse(headers["last-modified"] ?? ""),
    contentType: headers["content-type"] ?? "",
    ...(versionId !== undefined && { versionId }),
    metadata,
    headers,
  };
}
