import { join } from "node:path";
import type { Files } from "#/base/files.ts";
import { HostingError } from "../hosting-error.ts";
import { limits } from "#/base/limits.ts";
import { readManifest } from "#/model/disk-chunks.ts";
import type { DiskManifest } from "#/model/volume.ts";
import type { BlobAccess } from "../../driver.ts";

/** Chunks and lists of them as blobs, by way of files. */
export class StoredChunks {
  #files: Files;
  #blobs: BlobAccess;
  #folder: string;
  #count = 0;

  /** `folder`: for what is on its way. */
  constructor(files: Files, blobs: BlobAccess, folder: string) {
    this.#files = files;
    this.#blobs = blobs;
    this.#folder = folder;
  }

  async manifest(project: string, key: string): Promise<DiskManifest> {
    return readManifest(await this.fetch(project, key, limits.diskManifestBytesMax));
  }

  /** Throws HostingError "Client.InvalidSnapshot.NotFound" for one that is gone. */
  async fetch(project: string, key: string, bytesMax: number): Promise<Uint8Array> {
    const { path, sizeBytes } = await this.#blobs.fetch(project, key);
    if (sizeBytes > bytesMax)
      throw new HostingError(
        "Client.InvalidSnapshot.NotFound",
        `Cannot use the blob ${key} as it must have at most ${bytesMax} bytes: it has ${sizeBytes}`,
      );
    const content = await this.#files.read(path);
    if (content) return content;
    throw new HostingError("Server.InternalError", `The blob ${key} has gone meanwhile`);
  }

  async store(project: string, content: Uint8Array | string): Promise<string> {
    const path = join(this.#folder, `blob-${++this.#count}`);
    try {
      // It lasts as a blob; as this file it need not.
      const file = await this.#files.append(path);
      try {
        await file.write(content);
      } finally {
        await file.close();
      }
      return (await this.#blobs.store(project, path)).key;
    } finally {
      await this.#files.remove(path);
    }
  }
}
