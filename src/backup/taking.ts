import { createHash } from "node:crypto";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { CanopyError } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import { tarHeader, tarPadding } from "#/base/tar.ts";
import type { Manifest } from "./manifest.ts";

const compress = promisify(gzip);
const quickly = { level: 1 };

/** Writes files of a tar one after the other, and notes them for the manifest. */
export class Taking {
  readonly files: Manifest["files"] = [];
  #modifiedMs: number;
  #numbers = new Map<string, number>();

  constructor(modifiedMs: number) {
    this.#modifiedMs = modifiedMs;
  }

  /** Files of at most about `limits.backupPartBytes` before they are compressed, numbered on from those of the same name before. */
  async *lines(
    name: string,
    pages: Iterable<string[]> | AsyncIterable<string[]>,
  ): AsyncGenerator<Uint8Array> {
    let text = "";
    for await (const page of pages) {
      for (const line of page) text += `${line}\n`;
      if (text.length < limits.backupPartBytes) continue;
      yield* this.#part(name, text);
      text = "";
    }
    if (text !== "") yield* this.#part(name, text);
  }

  async *#part(name: string, text: string): AsyncGenerator<Uint8Array> {
    const number = (this.#numbers.get(name) ?? 0) + 1;
    this.#numbers.set(name, number);
    const content = await compress(text, quickly);
    yield* this.file(`${name}/${String(number).padStart(6, "0")}.ndjson.gz`, content);
  }

  /** All of it in one piece, so that others may stand between. */
  *file(name: string, content: Uint8Array): Generator<Uint8Array> {
    const sizeBytes = content.byteLength;
    const sha256 = createHash("sha256").update(content).digest("hex");
    this.files.push({ name, sizeBytes, sha256 });
    const header = tarHeader({ name, sizeBytes, modifiedMs: this.#modifiedMs });
    yield Buffer.concat([header, content, tarPadding(sizeBytes)]);
  }

  /** A file that is too large for memory. Gives its digest, in hexadecimal; throws CanopyError "damaged" when there is more or less of it. */
  async *stream(
    name: string,
    { sizeBytes, content }: { sizeBytes: number; content: AsyncIterable<Uint8Array> },
  ): AsyncGenerator<Uint8Array, string> {
    const hash = createHash("sha256");
    yield tarHeader({ name, sizeBytes, modifiedMs: this.#modifiedMs });
    let leftBytes = sizeBytes;
    for await (const piece of content) {
      leftBytes -= piece.byteLength;
      hash.update(piece);
      yield piece;
    }
    if (leftBytes !== 0) {
      throw new CanopyError(
        "damaged",
        `Cannot back up ${name} as it must have ${sizeBytes} bytes: ${sizeBytes - leftBytes} were read`,
      );
    }
    yield tarPadding(sizeBytes);
    return hash.digest("hex");
  }
}
