import { createHash } from "node:crypto";
import { join } from "node:path";
import { CanopyError } from "#/base/errors.ts";
import type { Host } from "#/base/host.ts";
import { limits } from "#/base/limits.ts";
import type { ObjectAccess } from "#/drivers/driver.ts";
import { textOf, type Calls } from "./calls.ts";

interface Kept {
  path: string;
  sizeBytes: number;
  usedMs: number;
}

/**
 * Objects that tasks here need or made, as files, per project. One that is asked for by many at once is
 * fetched once; the least recently used go when there are too many bytes.
 */
export class ObjectCache implements ObjectAccess {
  #host: Pick<Host, "files" | "clock">;
  #folder: string;
  #calls: Calls;
  #kept = new Map<string, Kept>();
  #fetching = new Map<string, Promise<Kept>>();
  #bytes = 0;

  constructor(host: Pick<Host, "files" | "clock">, folder: string, calls: Calls) {
    this.#host = host;
    this.#folder = folder;
    this.#calls = calls;
  }

  /** Finds what an earlier life left. */
  async open(): Promise<void> {
    const { files } = this.#host;
    // modules are ES modules here, whatever a package.json in some folder above says
    await files.write(join(this.#folder, "package.json"), '{ "type": "module" }\n');
    for (const project of await files.list(this.#folder)) {
      for (const key of await files.list(join(this.#folder, project))) {
        const path = join(this.#folder, project, key);
        if (!/^[0-9a-f]{64}$/.test(key)) await files.remove(path);
        else this.#keep(`${project}/${key}`, path, (await files.stat(path))?.sizeBytes ?? 0);
      }
    }
  }

  async fetch(project: string, key: string): Promise<{ path: string; sizeBytes: number }> {
    const name = `${project}/${key}`;
    const kept = this.#kept.get(name);
    if (kept) {
      kept.usedMs = this.#host.clock.monotonicMs();
      return kept;
    }
    let fetching = this.#fetching.get(name);
    if (!fetching) {
      fetching = this.#download(project, key).finally(() => this.#fetching.delete(name));
      this.#fetching.set(name, fetching);
    }
    return fetching;
  }

  async store(project: string, path: string): Promise<{ key: string; sizeBytes: number }> {
    const { files } = this.#host;
    const { key, sizeBytes } = await this.#calls.ask({
      method: "POST",
      path: `/v1/objects?project=${encodeURIComponent(project)}`,
      body: () => files.stream(path),
      read: async (response) =>
        JSON.parse(await textOf(response)) as { key: string; sizeBytes: number },
    });
    // A step after is likely to want it here.
    const own = join(this.#folder, project, key);
    if (!this.#kept.has(`${project}/${key}`)) {
      await files.makeFolder(join(this.#folder, project));
      await files.copy(path, `${own}.copy`);
      await files.rename(`${own}.copy`, own);
      this.#keep(`${project}/${key}`, own, sizeBytes);
    }
    return { key, sizeBytes };
  }

  async #download(project: string, key: string): Promise<Kept> {
    const path = join(this.#folder, project, key);
    const { sizeBytes } = await this.#calls.ask({
      method: "GET",
      path: `/v1/objects/${key}?project=${encodeURIComponent(project)}`,
      read: ({ body }) =>
        this.#host.files.writeStream(path, checked(body, createHash("sha256"), key)),
    });
    return this.#keep(`${project}/${key}`, path, sizeBytes);
  }

  #keep(name: string, path: string, sizeBytes: number): Kept {
    const kept = { path, sizeBytes, usedMs: this.#host.clock.monotonicMs() };
    this.#bytes += sizeBytes - (this.#kept.get(name)?.sizeBytes ?? 0);
    this.#kept.set(name, kept);
    if (this.#bytes > limits.objectCacheBytesMax) this.#makeRoom();
    return kept;
  }

  #makeRoom(): void {
    const nowMs = this.#host.clock.monotonicMs();
    const oldest = [...this.#kept].sort(([, a], [, b]) => a.usedMs - b.usedMs);
    for (const [name, { path, sizeBytes, usedMs }] of oldest) {
      if (this.#bytes < limits.objectCacheBytesMax * 0.9) return;
      if (nowMs - usedMs < limits.objectCacheKeptMs) return;
      this.#kept.delete(name);
      this.#bytes -= sizeBytes;
      void this.#host.files.remove(path);
    }
  }
}

/** Passes the pieces on; throws at the end when they are not what the key says, so that nothing is kept. */
async function* checked(
  source: AsyncIterable<Uint8Array>,
  hash: ReturnType<typeof createHash>,
  key: string,
): AsyncGenerator<Uint8Array> {
  for await (const piece of source) {
    hash.update(piece);
    yield piece;
  }
  if (hash.digest("hex") !== key) {
    throw new CanopyError(
      "unavailable",
      `Cannot use the object ${key} as what came is not what was asked for`,
    );
  }
}
