import { createHash } from "node:crypto";
import { join } from "node:path";
import { textOf } from "#/base/body.ts";
import { CanopyError, messageOf } from "#/base/errors.ts";
import type { Host } from "#/base/host.ts";
import { limits } from "#/base/limits.ts";
import type { BlobAccess } from "#/drivers/driver.ts";
import { isPassing, type Calls } from "./calls.ts";
import type { OwedBlobs } from "./owed.ts";

let copyCount = 0;

interface Kept {
  path: string;
  sizeBytes: number;
  usedMs: number;
}

/**
 * Blobs that tasks here need or made, as files, per project. One that is asked for by many at once is
 * fetched once; the least recently used go when there are too many bytes.
 */
export class BlobCache implements BlobAccess {
  #host: Pick<Host, "files" | "clock" | "log">;
  #folder: string;
  #calls: Calls;
  #kept = new Map<string, Kept>();
  #fetching = new Map<string, Promise<Kept>>();
  #bytes = 0;
  #owed: OwedBlobs;

  constructor(
    host: Pick<Host, "files" | "clock" | "log">,
    folder: string,
    more: { calls: Calls; owed: OwedBlobs },
  ) {
    this.#host = host;
    this.#folder = folder;
    this.#calls = more.calls;
    this.#owed = more.owed;
  }

  /** Finds what an earlier life left, and removes what may not have been wholly on disk when that ended. */
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

  /** Gives it to the cloud, or owes it when the cloud is away; waits when too much is owed. */
  async store(project: string, path: string): Promise<StoredBlob> {
    const sizeBytes = (await this.#host.files.stat(path))?.sizeBytes ?? 0;
    for (;;) {
      if (this.#calls.isLinked) {
        const stored = await this.#upload(project, path).catch(unlessPassing(this.#calls));
        if (stored) return stored;
      }
      if (this.#owed.hasRoom(sizeBytes)) {
        const owed = await this.#owed.keep(project, path).catch(unlessFull);
        if (owed) return owed;
      }
      await this.#calls.pause(limits.owedLookMs);
    }
  }

  /** Gives a blob to the cloud that is owed, and keeps its file. Throws "invalid" when that is not it any more. */
  async pay(project: string, key: string, path: string): Promise<void> {
    const { sizeBytes } = await this.#send(project, path, key);
    const blob = { project, key, sizeBytes };
    await this.#take(blob, key, (own) => this.#host.files.rename(path, own));
    await this.#host.files.remove(path);
  }

  async #upload(project: string, path: string): Promise<StoredBlob> {
    const { files } = this.#host;
    const { key, sizeBytes } = await this.#send(project, path);
    // A step after is likely to want it here. The copy is not synced, so its name is one that the next life removes.
    const blob = { project, key, sizeBytes };
    await this.#take(blob, `copy-${++copyCount}-of-${key}`, (own) => files.copy(path, own));
    return { key, sizeBytes };
  }

  /** Takes a file in that the cloud has too; where that cannot be, it will be fetched. */
  async #take(
    { project, key, sizeBytes }: StoredBlob & { project: string },
    name: string,
    move: (own: string) => Promise<void>,
  ): Promise<void> {
    if (this.#kept.has(`${project}/${key}`)) return;
    const own = join(this.#folder, project, name);
    try {
      await this.#host.files.makeFolder(join(this.#folder, project));
      await move(own);
      this.#keep(`${project}/${key}`, own, sizeBytes);
    } catch (thrown) {
      this.#host.log.warn("a blob could not be kept here", { key, error: messageOf(thrown) });
    }
  }

  async #send(project: string, path: string, key?: string): Promise<StoredBlob> {
    const query = new URLSearchParams({ project, ...(key !== undefined && { key }) });
    const source = new Source(this.#host.files, path);
    try {
      return await this.#calls.ask({
        method: "POST",
        path: `/v1/blobs?${query.toString()}`,
        body: () => source.stream(),
        read: async (response) => JSON.parse(await textOf(response.body)) as StoredBlob,
        waits: false,
      });
    } catch (thrown) {
      if (source.fault === undefined) throw thrown;
      throw new CanopyError("invalid", `Cannot read ${path}: ${messageOf(source.fault)}`);
    }
  }

  async #download(project: string, key: string): Promise<Kept> {
    const path = join(this.#folder, project, key);
    const { sizeBytes } = await this.#calls.ask({
      method: "GET",
      path: `/v1/blobs/${key}?project=${encodeURIComponent(project)}`,
      read: ({ body }) =>
        this.#host.files.writeStream(path, checked(body, createHash("sha256"), key)),
    });
    return this.#keep(`${project}/${key}`, path, sizeBytes);
  }

  /** Of two files with the same content the first stays: tasks may be using it. */
  #keep(name: string, path: string, sizeBytes: number): Kept {
    const before = this.#kept.get(name);
    if (before && before.path !== path) void this.#host.files.remove(path);
    if (before) return before;
    const kept = { path, sizeBytes, usedMs: this.#host.clock.monotonicMs() };
    this.#bytes += sizeBytes;
    this.#kept.set(name, kept);
    if (this.#bytes > limits.blobCacheBytesMax) this.#makeRoom();
    return kept;
  }

  #makeRoom(): void {
    const nowMs = this.#host.clock.monotonicMs();
    const oldest = [...this.#kept].sort(([, a], [, b]) => a.usedMs - b.usedMs);
    for (const [name, { path, sizeBytes, usedMs }] of oldest) {
      if (this.#bytes < limits.blobCacheBytesMax * 0.9) return;
      if (nowMs - usedMs < limits.blobCacheKeptMs) return;
      this.#kept.delete(name);
      this.#bytes -= sizeBytes;
      void this.#host.files.remove(path);
    }
  }
}

interface StoredBlob {
  key: string;
  sizeBytes: number;
}

/** A file as the body of a call, which tells whose fault it is when that fails. */
class Source {
  fault: unknown;
  #files: Pick<Host["files"], "stream">;
  #path: string;

  constructor(files: Pick<Host["files"], "stream">, path: string) {
    this.#files = files;
    this.#path = path;
  }

  async *stream(): AsyncGenerator<Uint8Array> {
    this.fault = undefined;
    const pieces = this.#files.stream(this.#path)[Symbol.asyncIterator]();
    try {
      for (;;) {
        // What a call that was ended throws in here is not the file's fault.
        const next = await pieces.next().catch((thrown: unknown) => {
          this.fault = thrown;
          throw thrown;
        });
        if (next.done) return;
        yield next.value;
      }
    } finally {
      await pieces.return?.();
    }
  }
}

/** For what is worth another try: undefined. Anything else is thrown on. */
function unlessPassing(calls: Calls): (thrown: unknown) => undefined {
  return (thrown) => {
    if (!isPassing(thrown) || calls.isClosed) throw thrown;
    return undefined;
  };
}

function unlessFull(thrown: unknown): undefined {
  if ((thrown as NodeJS.ErrnoException).code !== "ENOSPC") throw thrown;
  return undefined;
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
      `Cannot use the blob ${key} as what came is not what was asked for`,
    );
  }
}
