import { limits } from "#/base/limits.ts";
import { AwsError } from "#/model/aws-error.ts";
import { incompleteBody, invalidArgument } from "../errors.ts";

/** A form up to its file: what follows the file is not looked at. */
export interface ReadForm {
  /** By names in lower case, as they came otherwise; the first of two. */
  fields: Map<string, string>;
  fileName: string;
  fileType: string | undefined;
  /** The file's bytes as they come; throws where the form ends before they do. */
  file: AsyncGenerator<Uint8Array>;
}

/**
 * Reads multipart/form-data (RFC 7578) piece by piece: fields are small and come first, the file streams. Throws
 * "MalformedPOSTRequest", "MaxPostPreDataLengthExceeded", "InvalidArgument" (no file), "IncompleteBody".
 */
export async function readForm(
  contentType: string,
  body: AsyncIterable<Uint8Array>,
): Promise<ReadForm> {
  const boundary = /;\s*boundary=(?:"([^"]{1,70})"|([^\s;,]{1,70}))/i.exec(contentType);
  if (!boundary) throw malformed();
  const reader = new FormReader(body, boundary[1] ?? boundary[2]!);
  const fields = new Map<string, string>();
  await reader.begin();
  for (;;) {
    const head = await reader.head();
    if (!head)
      throw invalidArgument("POST requires exactly one file upload per request.", "file", "0");
    if (head.name.toLowerCase() === "file")
      return {
        fields,
        fileName: head.fileName ?? "",
        fileType: head.type,
        file: reader.content(),
      };
    const name = head.name.toLowerCase();
    const value = await reader.text();
    if (!fields.has(name)) fields.set(name, value);
  }
}

const malformed = () =>
  new AwsError(
    "MalformedPOSTRequest",
    400,
    "The body of your POST request is not well-formed multipart/form-data.",
  );

class FormReader {
  #source: AsyncIterator<Uint8Array>;
  #held: Buffer = Buffer.alloc(0);
  #delimiter: Buffer;
  #readBytes = 0;

  constructor(source: AsyncIterable<Uint8Array>, boundary: string) {
    this.#source = source[Symbol.asyncIterator]();
    this.#delimiter = Buffer.from(`\r\n--${boundary}`, "latin1");
  }

  /** Up to the first boundary, which may come without a line before it. */
  async begin(): Promise<void> {
    this.#held = Buffer.from("\r\n");
    await this.#upTo(this.#delimiter);
  }

  /** Of the next part; undefined after the last one. */
  async head(): Promise<
    { name: string; fileName: string | undefined; type: string | undefined } | undefined
  > {
    while (this.#held.length < 2) await this.#more();
    if (this.#held[0] === 0x2d && this.#held[1] === 0x2d) return undefined;
    const lines = (await this.#upTo(headEnd)).toString("utf8");
    const disposition = /^content-disposition:\s*form-data\s*;(.*)$/im.exec(lines)?.[1];
    const name = disposition && parameterOf(disposition, "name");
    if (disposition === undefined || name === undefined) throw malformed();
    return {
      name,
      fileName: parameterOf(disposition, "filename"),
      type: /^content-type:\s*(.*?)\s*$/im.exec(lines)?.[1],
    };
  }

  async text(): Promise<string> {
    return (await this.#upTo(this.#delimiter)).toString("utf8");
  }

  /** Bytes up to the next boundary, as they come. */
  async *content(): AsyncGenerator<Uint8Array> {
    this.#readBytes = -Infinity;
    for (;;) {
      const end = this.#held.indexOf(this.#delimiter);
      if (end >= 0) {
        if (end > 0) yield this.#held.subarray(0, end);
        this.#held = this.#held.subarray(end + this.#delimiter.length);
        await this.#drain();
        return;
      }
      // What might be the boundary's beginning waits for its end.
      const sure = this.#held.length - this.#delimiter.length;
      if (sure > 0) {
        yield this.#held.subarray(0, sure);
        this.#held = this.#held.subarray(sure);
      }
      await this.#more();
    }
  }

  async #upTo(mark: Buffer): Promise<Buffer> {
    for (let from = 0; ;) {
      const end = this.#held.indexOf(mark, from);
      if (end >= 0) {
        const found = this.#held.subarray(0, end);
        this.#held = this.#held.subarray(end + mark.length);
        return found;
      }
      from = Math.max(0, this.#held.length - mark.length);
      await this.#more();
    }
  }

  async #more(): Promise<void> {
    const { value, done } = await this.#next();
    if (done) throw incompleteBody();
    this.#readBytes += value.length;
    if (this.#readBytes > limits.formFieldsBytesMax)
      throw new AwsError(
        "MaxPostPreDataLengthExceeded",
        400,
        "Your POST request fields preceding the upload file were too large.",
        { fields: { MaxPostPreDataLengthBytes: String(limits.formFieldsBytesMax) } },
      );
    this.#held = this.#held.length === 0 ? Buffer.from(value) : Buffer.concat([this.#held, value]);
  }

  async #next(): Promise<IteratorResult<Uint8Array>> {
    try {
      return await this.#source.next();
    } catch {
      throw incompleteBody();
    }
  }

  /** What follows the file means nothing, and is taken so that the answer finds its reader. */
  async #drain(): Promise<void> {
    for (let left = limits.formFieldsBytesMax; left > 0;) {
      const { value, done } = await this.#next();
      if (done) return;
      left -= value.length;
    }
  }
}

const headEnd = Buffer.from("\r\n\r\n");

/** What escapes a quote; any other backslash is meant, as in the path that some browsers give for a file's name. */
const escaped = /\\(["\\])/g;

function parameterOf(disposition: string, name: string): string | undefined {
  const match = new RegExp(`;\\s*${name}=(?:"((?:[^"\\\\]|\\\\.)*)"|([^;\\s]*))`, "i").exec(
    `;${disposition}`,
  );
  return match ? (match[1]?.replaceAll(escaped, "$1") ?? match[2]) : undefined;
}
