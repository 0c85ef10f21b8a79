import { createHash } from "node:crypto";
import { join } from "node:path";
import type { Clock } from "#/base/clock.ts";
import { CanopyError } from "#/base/errors.ts";
import type { Files } from "#/base/files.ts";
import { limits } from "#/base/limits.ts";
import { OneAtATime } from "#/base/one-at-a-time.ts";
import { readHead, requireKey, requireSize } from "./content.ts";
import type { ByteRange, Blobs, StoredBlob } from "./blobs.ts";

interface FileBlobsParts {
  files: Files;
  clock: Pick<Clock, "now">;
  folder: string;
}

/**
 * Blobs as files: `folder/project/ab/abcd…`, the first two digits of the key between. When one was touched is when its file was
 * modified, so that it is known after a restart: that is on disk before anybody is told that the blob is there, as it may not be taken
 * for an old one after a power cut. That a file was removed is not: one that is there again after that is whole, nobody names it, and
 * nothing but its room is lost.
 */
export class FileBlobs implements Blobs {
  #files: Files;
  #clock: Pick<Clock, "now">;
  #folder: string;
  #asideCount = 0;
  #turns = new OneAtATime();

  /** Removes first what uploads cut off by the end of the process before left behind. */
  static async open(parts: FileBlobsParts): Promise<FileBlobs> {
    const blobs = new FileBlobs(parts);
    await parts.files.remove(blobs.#asideFolder());
    await parts.files.makeFolder(parts.folder, { durable: true });
    return blobs;
  }

  private constructor({ files, clock, folder }: FileBlobsParts) {
    this.#files = files;
    this.#clock = clock;
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
    const path = this.#path(project, key);
    const found = await this.#files.stat(path);
    if (!found) return undefined;
    return { sizeBytes: found.sizeBytes, content: this.#files.stream(path, range) };
  }

  async stat(project: string, key: string): Promise<StoredBlob | undefined> {
    const path = this.#path(project, key);
    const sizeBytes = await this.#turns.run(path, () => this.#touch(path));
    return sizeBytes === undefined ? undefined : { key, sizeBytes };
  }

  async projects(): Promise<string[]> {
    return (await this.#files.list(this.#folder)).filter((name) => !name.startsWith("."));
  }

  async *list(project: string): AsyncGenerator<StoredBlob> {
    const folder = join(this.#folder, project);
    for (const part of await this.#files.list(folder)) {
      for (const key of await this.#files.list(join(folder, part))) {
        // Another name is that of an upload under way, or of one that was cut off.
        if (!keyPattern.test(key)) continue;
        const found = await this.#files.stat(join(folder, part, key));
        if (found) yield { key, sizeBytes: found.sizeBytes };
      }
    }
  }

  remove(project: string, key: string): Promise<void> {
    return this.#files.remove(this.#path(project, key));
  }

  async isUntouched(project: string, key: string, untouchedMs: number) {
    const found = await this.#files.stat(this.#path(project, key));
    return found && this.#isOlder(found, untouchedMs);
  }

  async removeUntouched(
    project: string,
    key: string,
    untouchedMs: number,
  ): Promise<StoredBlob | "touched" | undefined> {
    const path = this.#path(project, key);
    return this.#turns.run(path, async () => {
      const found = await this.#files.stat(path);
      if (!found) return undefined;
      if (!this.#isOlder(found, untouchedMs)) return "touched";
      await this.#files.remove(path);
      return { key, sizeBytes: found.sizeBytes };
    });
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
    await this.#turns.run(path, async () => {
      // Who put the same may not have synced the folder yet, or have died before: this does it again.
      if ((await this.#touch(path)) !== undefined) await this.#files.rename(path, path);
      else await this.#files.write(path, content);
    });
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
    await this.#turns.run(path, async () => this.#files.rename(aside, path));
    return { key, sizeBytes };
  }

  #isOlder({ modifiedMs }: { modifiedMs: number }, untouchedMs: number): boolean {
    return this.#clock.now() - modifiedMs > untouchedMs + limits.blobTouchedEveryMs;
  }

  /** Gives its size. In its turn only, and not each time: what is asked for often would be written as often. */
  async #touch(path: string): Promise<number | undefined> {
    const found = await this.#files.stat(path);
    const nowMs = this.#clock.now();
    if (found && Math.abs(nowMs - found.modifiedMs) > limits.blobTouchedEveryMs)
      await this.#files.touch(path, nowMs);
    return found?.sizeBytes;
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
