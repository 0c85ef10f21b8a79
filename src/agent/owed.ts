import { createHash } from "node:crypto";
import { join } from "node:path";
import { CanopyError, messageOf } from "#/base/errors.ts";
import type { Host } from "#/base/host.ts";
import { limits } from "#/base/limits.ts";
import { startLoop, type Loop } from "#/base/loop.ts";
import type { TaskError } from "#/model/task.ts";
import { isPassing } from "./calls.ts";

type Parts = Pick<Host, "files" | "clock" | "log">;

export interface OwedEvents {
  /** Gives a blob to the cloud, and takes its file. Throws "invalid" when the file is another blob. */
  pay(project: string, key: string, path: string): Promise<void>;
  /** The cloud has it. */
  paid(): void;
  /** The cloud will never have it. */
  refused(key: string, error: TaskError): void;
}

interface Owed {
  project: string;
  key: string;
  path: string;
  sizeBytes: number;
}

/**
 * Blobs that tasks here made while the cloud could not take them: files on this machine's disk, by
 * project and key, each there and synced before anything names it. They are given to the cloud when it
 * is back; a report that names one is handed in after that.
 */
export class OwedBlobs {
  #parts: Parts;
  #folder: string;
  #owed = new Map<string, Owed>();
  #byKey = new Map<string, number>();
  #bytes = 0;
  #fileCount = 0;
  #loop: Loop | undefined;

  constructor(parts: Parts, folder: string) {
    this.#parts = parts;
    this.#folder = folder;
  }

  /** Finds what an earlier life has left. */
  async open(): Promise<void> {
    const { files } = this.#parts;
    for (const project of await files.list(this.#folder)) {
      for (const key of await files.list(join(this.#folder, project))) {
        const path = join(this.#folder, project, key);
        if (!/^[0-9a-f]{64}$/.test(key)) await files.remove(path);
        else this.#add({ project, key, path, sizeBytes: (await files.stat(path))?.sizeBytes ?? 0 });
      }
    }
  }

  /** Begins to give what is owed. What nobody names any more is removed. */
  start(events: OwedEvents, named: ReadonlySet<string>): void {
    for (const owed of this.#owed.values()) {
      if (named.has(owed.key)) continue;
      this.#drop(owed);
      void this.#parts.files.remove(owed.path);
    }
    this.#loop = startLoop("owed blobs", () => this.#payAll(events), {
      ...this.#parts,
      everyMs: limits.owedLookMs,
    });
  }

  /** There is a link again. */
  wake(): void {
    if (this.#owed.size > 0) this.#loop?.wake();
  }

  stop(): void {
    this.#loop?.stop();
  }

  has(key: string): boolean {
    return this.#byKey.has(key);
  }

  /** Whether as much more may be owed: one blob always may, of any size. */
  hasRoom(sizeBytes: number): boolean {
    return this.#owed.size === 0 || this.#bytes + sizeBytes <= limits.owedBytesMax;
  }

  /** Copies a file to here. On disk when this resolves. */
  async keep(project: string, path: string): Promise<{ key: string; sizeBytes: number }> {
    const { files } = this.#parts;
    const folder = join(this.#folder, project);
    const aside = join(folder, `incoming-${++this.#fileCount}`);
    const hash = createHash("sha256");
    const { sizeBytes } = await files.writeStream(aside, hashed(files.stream(path), hash));
    const key = hash.digest("hex");
    const own = join(folder, key);
    await files.rename(aside, own);
    if (!this.#owed.has(`${project}/${key}`)) this.#add({ project, key, path: own, sizeBytes });
    return { key, sizeBytes };
  }

  async #payAll(events: OwedEvents): Promise<void> {
    for (const owed of this.#owed.values()) {
      const { project, key, path } = owed;
      try {
        await events.pay(project, key, path);
        this.#drop(owed);
        events.paid();
      } catch (thrown) {
        if (isPassing(thrown)) return;
        this.#parts.log.warn("the cloud does not take a blob that a task made here", {
          key,
          error: messageOf(thrown),
        });
        this.#drop(owed);
        await this.#parts.files.remove(path);
        events.refused(key, errorOf(thrown));
      }
    }
  }

  #add(owed: Owed): void {
    this.#owed.set(`${owed.project}/${owed.key}`, owed);
    this.#byKey.set(owed.key, (this.#byKey.get(owed.key) ?? 0) + 1);
    this.#bytes += owed.sizeBytes;
  }

  #drop({ project, key, sizeBytes }: Owed): void {
    if (!this.#owed.delete(`${project}/${key}`)) return;
    const left = this.#byKey.get(key)! - 1;
    if (left > 0) this.#byKey.set(key, left);
    else this.#byKey.delete(key);
    this.#bytes -= sizeBytes;
  }
}

/** A file that is no longer what was written is this machine's fault, anything else the task's own. */
function errorOf(thrown: unknown): TaskError {
  const message = `Its output could not be stored: ${messageOf(thrown)}`;
  const isDamaged = thrown instanceof CanopyError && thrown.code === "invalid";
  return { reason: isDamaged ? "machine-lost" : "output-missing", message };
}

async function* hashed(
  source: AsyncIterable<Uint8Array>,
  hash: ReturnType<typeof createHash>,
): AsyncGenerator<Uint8Array> {
  for await (const piece of source) {
    hash.update(piece);
    yield piece;
  }
}
