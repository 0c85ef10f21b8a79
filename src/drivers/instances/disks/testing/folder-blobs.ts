import { createHash } from "node:crypto";
import { copyFile, mkdir, readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { CanopyError } from "#/base/errors.ts";
import type { BlobAccess } from "../../../driver.ts";

/** Blobs in a folder, as a cloud has them. */
export class FolderBlobs implements BlobAccess {
  /** Keys in the order in which they were given. */
  stored: string[] = [];
  fetched: string[] = [];
  #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  pathOf(project: string, key: string): string {
    return join(this.#folder, project, key);
  }

  async all(project: string): Promise<Buffer[]> {
    const names = await readdir(join(this.#folder, project));
    return Promise.all(names.map((name) => readFile(this.pathOf(project, name))));
  }

  async fetch(project: string, key: string): Promise<{ path: string; sizeBytes: number }> {
    const path = this.pathOf(project, key);
    const found = await stat(path).catch(() => undefined);
    if (!found) throw new CanopyError("not-found", `Cannot find the blob ${key}`);
    this.fetched.push(key);
    return { path, sizeBytes: found.size };
  }

  async store(project: string, path: string): Promise<{ key: string; sizeBytes: number }> {
    const content = await readFile(path);
    const key = createHash("sha256").update(content).digest("hex");
    await mkdir(join(this.#folder, project), { recursive: true });
    await copyFile(path, this.pathOf(project, key));
    this.stored.push(key);
    return { key, sizeBytes: content.length };
  }
}
