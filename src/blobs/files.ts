import { createHash } from "node:crypto";
import { join } from "node:path";
import { CanopyError } from "#/base/errors.ts";
import type { Files } from "#/base/files.ts";
import { limits } from "#/base/limits.ts";
import { readHead, requireKey, requireSize } from "./content.ts";
import type { ByteRange, Blobs, StoredBlob } from "./blobs.ts";

/** Blobs as files: `folder/project/ab/abcd…`, the first two digits of the key between. */
export class FileBlobs implements Blobs {
  #files: Files;
  #folder: string;
  #asideCount = 0;

  /** Removes first what uploads cut off by the end of the process before left behind. */
  static async open(parts: { files: Files; folder: string }): Promise<FileBlobs> {
    const blobs = new FileBlobs(parts);
    await parts.files.remove(blobs.#asideFolder());
    await parts.files.makeFolder(parts.folder, { durable: true });
    return blobs;
  }

  private constructor({ files, folder }: { files: Files; folder: string }) {
    this.#files = files;
    this.#folder = folder;
  }

  async put(project: string, source: AsyncIterable<Uint8Array> | Uint8Array): Promise<StoredBlob> {
    await this.#requireSpace();
    try {
      if (source instanceof Uint8Array) return await this.#putWhole(project, source);
      const { head, rest } = await readHead(source);
      return rest
        ? await this.#putStream(project, head, rest)
        : await this.#putWhole(project, Buffer.concat(head));
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code === "ENOSPC") throw noSpace(thrown);
      throw thrown;
    }
  }

  async get(project: string, key: string, range?: ByteRange) {
    const found = await this.stat(project, key);
    if (!found) return undefined;
    return {
      sizeBytes: found.sizeBytes,
      content: this.#files.stream(this.#path(project, key), range),
    };
  }

  async stat(project: string, key: string): Promise<StoredBlob | undefined> {
    const found = await this.#files.stat(this.#path(project, key));
    return found && { key, sizeBytes: found.sizeBytes };
  }

  async projects(): Promise<string[]> {
    return (await this.#files.list(this.#folder)).filter((name) => !name.startsWith("."));
  }

  async *list(project: string): AsyncGenerator<StoredBlob> {
    const folder = join(this.#folder, project);
    for (const part of await this.#files.list(folder)) {
      for (const key of await this.#files.list(join(folder, part))) {
        // Another name is that of an upload under way, or of one that was cut off.
        const found = keyPattern.test(key) ? await this.stat(project, key) : undefined;
        if (found) yield found;
      }
    }
  }

  remove(project: string, key: string): Promise<void> {
    return this.#files.remove(this.#path(project, key));
  }

  /** Moves a blob that is damaged to where nobody finds it; gives where it is now. */
  async setAside(project: string, key: string): Promise<string> {
    const aside = join(this.#folder, ".damaged", project, key);
    await this.#files.makeFolder(join(aside, ".."), { durable: true });
    await this.#files.rename(this.#path(project, key), aside);
    return aside;
  }

  /** Small content is hashed before it is written, which spares a rename and a sync. */
  async #putWhole(project: string, content: Uint8Array): Promise<StoredBlob> {
    requireSize(content.byteLength);
    const key = createHash("sha256").update(content).digest("hex");
    const path = this.#path(project, key);
    // Who put the same may not have synced the folder yet, or have died before: this does it again.
    if (await this.#files.stat(path)) await this.#files.rename(path, path);
    else await this.#files.write(path, content);
    return { key, sizeBytes: content.byteLength };
  }

  async #putStream(
    project: string,
    head: Uint8Array[],
    rest: AsyncIterator<Uint8Array>,
  ): Promise<StoredBlob> {
    const hash = createHash("sha256");
    const aside = join(this.#asideFolder(), String(++this.#asideCount));
    let sizeBytes = 0;
    async function* pieces(): AsyncGenerator<Uint8Array> {
      try {
        for (const piece of head) yield take(piece);
        for (let next = await rest.next(); !next.done; next = await rest.next())
          yield take(next.value);
      } finally {
        await rest.return?.();
      }
    }
    function take(piece: Uint8Array): Uint8Array {
      sizeBytes += piece.byteLength;
      requireSize(sizeBytes);
      hash.update(piece);
      return piece;
    }
    await this.#files.writeStream(aside, pieces());
    const key = hash.digest("hex");
    const path = this.#path(project, key);
    await this.#files.makeFolder(join(path, ".."), { durable: true });
    await this.#files.rename(aside, path);
    return { key, sizeBytes };
  }

  /** Asked before each blob: a disk that is full to the last byte could not even keep the log. */
  async #requireSpace(): Promise<void> {
    const freeBytes = await this.#files.freeBytes(this.#folder);
    if (freeBytes < limits.diskFreeBytesMin) throw noSpace();
  }

  #path(project: string, key: string): string {
    requireKey(project, key);
    return join(this.#folder, project, key.slice(0, 2), key);
  }

  #asideFolder(): string {
    return join(this.#folder, ".aside");
  }
}

const keyPattern = /^[0-9a-f]{64}$/;

function noSpace(cause?: unknown): CanopyError {
  return new CanopyError("no-space", "Cannot keep this blob as the disk is full", {
    hint: "Free some space on the disk that holds the data folder, then try again",
    cause,
  });
}
