import { limits } from "#/base/limits.ts";
import { damaged } from "./layer-fault.ts";
import { blockBytes, paddingOf, readHeader, readPax, type LayerHeader } from "./layer-header.ts";

/** Reads a tar entry by entry: what stands behind a header is to be passed on, or skipped, before the next one. */
export class LayerReader {
  #source: AsyncIterator<Uint8Array>;
  #rest: Uint8Array = new Uint8Array();

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /** The next entry, with what the headers before it say of it. */
  async next(): Promise<LayerHeader | undefined> {
    let told: Partial<LayerHeader> = {};
    for (;;) {
      const block = await this.take(blockBytes);
      if (block.every((byte) => byte === 0)) return undefined;
      const header = readHeader(block);
      if (typeof header !== "object") throw damaged("what stands where a header must be is none");
      if (header.type === "more" || header.type === "name" || header.type === "target") {
        if (header.sizeBytes > limits.layerHeaderBytesMax)
          throw damaged(`its headers must have at most ${limits.layerHeaderBytesMax} bytes`);
        const content = await this.take(header.sizeBytes);
        await this.skip(paddingOf(header.sizeBytes));
        const text = content.toString("utf8").split("\0")[0]!;
        if (header.type === "more") told = { ...told, ...readPax(content) };
        else if (header.type === "name") told = { ...told, name: text };
        else told = { ...told, link: text };
        continue;
      }
      const entry = { ...header, ...told };
      if (entry.type === "unknown")
        throw damaged(`it must have files, folders and links only: '${entry.name}' is neither`);
      if (!Number.isSafeInteger(entry.sizeBytes) || entry.sizeBytes < 0)
        throw damaged(`its files must have a size: '${entry.name}' has none`);
      if (entry.type !== "file") entry.sizeBytes = 0;
      return entry;
    }
  }

  async take(length: number): Promise<Buffer> {
    const pieces: Uint8Array[] = [];
    for await (const piece of this.pass(length)) pieces.push(piece);
    return Buffer.concat(pieces);
  }

  async skip(length: number): Promise<void> {
    for await (const piece of this.pass(length)) void piece;
  }

  async *pass(length: number): AsyncGenerator<Uint8Array> {
    for (let left = length; left > 0;) {
      if (this.#rest.length === 0) {
        const next = await this.#source.next();
        if (next.done) throw damaged("it is cut off: its end is missing");
        this.#rest = next.value;
      }
      const piece = this.#rest.subarray(0, left);
      this.#rest = this.#rest.subarray(piece.length);
      left -= piece.length;
      if (piece.length > 0) yield piece;
    }
  }
}
