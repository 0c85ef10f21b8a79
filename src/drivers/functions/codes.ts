import { join } from "node:path";
import { limits } from "#/base/limits.ts";
import type { FunctionParts } from "./parts.ts";
import { unpack } from "./unpack.ts";

interface Code {
  folder: string;
  bytes: number;
  holders: number;
  usedMs: number;
}

/** Code that an environment has: a folder that stays until it is let go. */
export interface HeldCode {
  name: string;
  folder: string;
  letGo(): void;
}

/** Unpacked archives, once each however many functions and environments have them. */
export class Codes {
  #parts: FunctionParts;
  #folder: string;
  #known = new Map<string, Promise<Code>>();
  /** An archive has been removed: no sandbox may see it any more. */
  #removed: (name: string) => Promise<void>;
  #tries = 0;

  constructor(parts: FunctionParts, folder: string, removed: (name: string) => Promise<void>) {
    this.#parts = parts;
    this.#folder = folder;
    this.#removed = removed;
  }

  /** Throws CanopyError "not-found" where there is no such blob, "invalid" for one that is no archive of code. */
  async hold(project: string, blob: string): Promise<HeldCode> {
    // Always asked for: that another project has the same code says nothing of this one's right to it.
    const { path } = await this.#parts.blobs.fetch(project, blob);
    let made = this.#known.get(blob);
    if (!made) {
      made = this.#unpack(blob, path);
      this.#known.set(blob, made);
      made.catch(() => this.#known.delete(blob));
    }
    const code = await made;
    code.holders++;
    let isHeld = true;
    return {
      name: blob,
      folder: code.folder,
      letGo: () => {
        if (!isHeld) return;
        isHeld = false;
        code.holders--;
        code.usedMs = this.#parts.clock.monotonicMs();
      },
    };
  }

  async #unpack(blob: string, path: string): Promise<Code> {
    await this.#makeRoom();
    const { files, clock } = this.#parts;
    const folder = join(this.#folder, `${blob}-${++this.#tries}`);
    try {
      const bytes = await unpack(files, path, folder);
      return { folder, bytes, holders: 0, usedMs: clock.monotonicMs() };
    } catch (thrown) {
      await files.remove(folder);
      throw thrown;
    }
  }

  /** Removes what was not used for long, and the least lately used when there is too much. */
  async #makeRoom(): Promise<void> {
    const nowMs = this.#parts.clock.monotonicMs();
    const settled = await Promise.all(
      [...this.#known].map(async ([name, made]) => ({
        name,
        code: await made.catch(() => undefined),
      })),
    );
    let bytes = settled.reduce((sum, { code }) => sum + (code?.bytes ?? 0), 0);
    const oldest = settled.sort((a, b) => (a.code?.usedMs ?? 0) - (b.code?.usedMs ?? 0));
    for (const { name, code } of oldest) {
      if (!code || code.holders > 0) continue;
      const isOld = nowMs - code.usedMs > limits.sandboxCodeKeptMs;
      if (!isOld && bytes < limits.sandboxCodesBytesMax) continue;
      this.#known.delete(name);
      bytes -= code.bytes;
      await this.#removed(name).catch(() => {});
      await this.#parts.files.remove(code.folder);
    }
  }
}
