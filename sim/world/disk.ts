import { dirname } from "node:path";
import type { Appender, Files } from "#/base/files.ts";
import type { Tally } from "../faults/tally.ts";
import type { Chance } from "#/base/chance.ts";
import type { Life } from "./life.ts";
import { Names } from "./names.ts";
import type { World } from "./world.ts";

/** A file as its pieces; those before `synced` survive a power cut. */
interface Content {
  pieces: Uint8Array[];
  synced: number;
  modifiedMs: number;
  mode: number;
}

const sectorBytes = 512;
export const plentyBytes = 2 ** 40;

/** What a system call throws. */
class DiskError extends Error {
  readonly code: "EIO" | "ENOSPC";

  constructor(code: "EIO" | "ENOSPC", action: string) {
    super(`${code}: ${action}`);
    this.code = code;
  }
}

/**
 * One machine's disk. A process that is killed leaves what it has written; a power cut takes what was
 * not synced: each piece is kept, lost, or torn, whatever became of those before it, and names whose
 * folder was not synced are as before or as after. A sync that fails drops what it was to write.
 */
export class Disk {
  /** Until this instant every operation takes that much longer. */
  slow: { untilMs: number; byMs: number; onFelt?: () => void } = { untilMs: 0, byMs: 0 };
  failingSyncs = 0;
  /** Called at the beginning of each sync and each write: a good moment for the power to go. */
  onBusy: () => void = () => {};
  freeBytes = plentyBytes;
  /** Called when somebody is told that little is free. */
  onFull: () => void = () => {};
  #world: World;
  #chance: Chance;
  #tally: Tally;
  #files = new Names<Content>();
  #asides = 0;
  /** Pieces whose sync has failed: read back as written until the power is cut, then gone. */
  #ghosts = new WeakSet<Uint8Array>();

  constructor(world: World, tally: Tally) {
    this.#world = world;
    this.#chance = world.stream();
    this.#tally = tally;
  }

  /** The power is gone: only what is on the platters stays. */
  cut(): void {
    this.#files.cut(() => {
      const isLost = this.#chance.happens(0.5);
      if (isLost) this.#tally.count("name lost");
      return isLost;
    });
    for (const content of this.#files.contents()) this.#tear(content);
  }

  piecesOf(path: string): readonly Uint8Array[] | undefined {
    return this.#files.get(path)?.pieces;
  }

  /** Adds a piece, not yet on the platters. */
  async add(life: Life, path: string, piece: Uint8Array): Promise<void> {
    this.onBusy();
    await this.#wait(life, "write", 0.02);
    this.#requireSpace(piece.byteLength);
    this.#open(path).pieces.push(piece);
  }

  /** What the file holds stays from then on; its name does when its folder is synced. */
  async sync(life: Life, path: string): Promise<void> {
    this.onBusy();
    // What is written while it goes on is none of it.
    const count = this.#files.get(path)?.pieces.length ?? 0;
    await this.#wait(life, "sync", 0.6);
    const content = this.#files.get(path);
    if (!content) return;
    if (this.failingSyncs > 0) {
      this.failingSyncs--;
      this.#tally.count("sync failed");
      for (const piece of content.pieces.slice(content.synced)) this.#ghosts.add(piece);
      throw new DiskError("EIO", "fsync");
    }
    content.synced = Math.max(content.synced, Math.min(count, content.pieces.length));
  }

  /** Writes the last piece once more: a process before may have failed to sync it. */
  async refresh(life: Life, path: string): Promise<void> {
    await this.#wait(life, "write", 0.02);
    const content = this.#files.get(path);
    const last = content?.pieces.at(-1);
    if (!content || !last || !this.#ghosts.has(last)) return;
    content.pieces[content.pieces.length - 1] = Uint8Array.from(last);
    content.synced = Math.min(content.synced, content.pieces.length - 1);
  }

  /** Drops the pieces from `count` on. */
  async truncate(life: Life, path: string, count: number): Promise<void> {
    await this.#wait(life, "truncate", 0.02);
    const content = this.#open(path);
    content.pieces.length = count;
    content.synced = Math.min(content.synced, count);
  }

  of(life: Life): Files {
    return {
      read: async (path, part) => {
        await this.#wait(life, "read", 0.05);
        const bytes = this.#whole(path);
        return part ? bytes?.subarray(part.offset, part.offset + part.length) : bytes;
      },
      write: (path, content, options) => this.#replace(life, path, bytesOf(content), options?.mode),
      writeStream: async (path, source) => {
        const pieces: Uint8Array[] = [];
        for await (const piece of source) pieces.push(piece);
        const bytes = Buffer.concat(pieces);
        await this.#replace(life, path, bytes);
        return { sizeBytes: bytes.length };
      },
      stream: (path, part) => this.#stream(life, path, part),
      openInMemory: (path) => {
        throw new Error(`ENOENT: open ${path}`); // no guest lives here
      },
      append: async (path) => {
        this.#files.makeFolder(dirname(path));
        this.#open(path);
        return this.#appender(life, path);
      },
      list: async (folder) => {
        await this.#wait(life, "list", 0.05);
        const names = new Set<string>();
        for (const path of this.#files.paths())
          if (path.startsWith(`${folder}/`))
            names.add(path.slice(folder.length + 1).split("/")[0]!);
        return [...names];
      },
      stat: async (path) => {
        await this.#wait(life, "stat", 0.02);
        const content = this.#files.get(path);
        if (!content) return undefined;
        const { mode, modifiedMs } = content;
        return { sizeBytes: sizeOf(content), isFolder: false, modifiedMs, mode };
      },
      makeFolder: async (path, options) => {
        await this.#wait(life, "mkdir", 0.02);
        this.#files.makeFolder(path);
        if (options?.durable) await this.#syncAbove(life, path);
      },
      rename: async (from, to) => {
        await this.#wait(life, "rename", 0.02);
        const content = this.#files.get(from);
        if (!content) throw new Error(`ENOENT: rename ${from}`);
        this.#files.set(from, undefined);
        this.#files.set(to, content);
        await this.#syncFolder(life, dirname(to));
      },
      copy: async (from, to) => {
        await this.#wait(life, "copy", 0.1);
        const { pieces } = this.#open(from);
        this.#requireSpace(sizeOf(this.#open(from)));
        this.#files.set(to, {
          pieces: [...pieces],
          synced: 0,
          modifiedMs: this.#world.nowMs,
          mode: 0o644,
        });
      },
      setOwner: async () => {},
      setMode: async (path, mode) => {
        await this.#wait(life, "chmod", 0.02);
        const content = this.#files.get(path);
        if (content) content.mode = mode;
      },
      touch: async (path, modifiedMs) => {
        await this.#wait(life, "utimes", 0.02);
        const content = this.#files.get(path);
        if (content) content.modifiedMs = modifiedMs;
      },
      remove: async (path) => {
        await this.#wait(life, "remove", 0.05);
        this.#files.remove(path);
      },
      freeBytes: async () => {
        await this.#wait(life, "statfs", 0.02);
        if (this.freeBytes < plentyBytes) this.onFull();
        return this.freeBytes;
      },
    };
  }

  async #replace(life: Life, path: string, bytes: Uint8Array, mode = 0o644): Promise<void> {
    const aside = `${path}.${++this.#asides}.aside`;
    const folder = dirname(path);
    this.#files.makeFolder(folder);
    await this.#syncAbove(life, folder);
    await this.add(life, aside, bytes);
    this.#open(aside).mode = mode;
    try {
      await this.sync(life, aside);
    } catch (thrown) {
      this.#files.set(aside, undefined);
      throw thrown;
    }
    await this.#wait(life, "rename", 0.02);
    const content = this.#open(aside);
    this.#files.set(aside, undefined);
    this.#files.set(path, content);
    await this.#syncFolder(life, folder);
  }

  async #syncFolder(life: Life, folder: string): Promise<void> {
    const end = this.#files.sync(folder);
    await this.#wait(life, "sync folder", 0.4);
    end();
  }

  /** Those above a folder, so that it is not lost with all in it. */
  async #syncAbove(life: Life, folder: string): Promise<void> {
    for (const above of this.#files.unsynced(folder)) await this.#syncFolder(life, above);
  }

  #appender(life: Life, path: string): Appender {
    const folder = dirname(path);
    let isNamed = false;
    return {
      write: (content) => this.add(life, path, bytesOf(content)),
      sync: async () => {
        await this.sync(life, path);
        if (isNamed) return;
        await this.#syncAbove(life, folder);
        await this.#syncFolder(life, folder);
        isNamed = true;
      },
      close: () => this.#wait(life, "close", 0.01),
    };
  }

  async *#stream(
    life: Life,
    path: string,
    part?: { offset?: number; length?: number },
  ): AsyncGenerator<Uint8Array> {
    await this.#wait(life, "read", 0.1);
    const bytes = this.#whole(path);
    if (!bytes) throw new Error(`ENOENT: open ${path}`);
    const { offset = 0, length = bytes.byteLength } = part ?? {};
    const wanted = bytes.subarray(offset, offset + length);
    if (wanted.byteLength > 0) yield wanted;
  }

  #open(path: string): Content {
    let content = this.#files.get(path);
    if (!content) {
      content = { pieces: [], synced: 0, modifiedMs: this.#world.nowMs, mode: 0o644 };
      this.#files.set(path, content);
    }
    return content;
  }

  #whole(path: string): Uint8Array | undefined {
    const content = this.#files.get(path);
    return content && Buffer.concat(content.pieces);
  }

  #requireSpace(bytes: number): void {
    if (bytes <= this.freeBytes) return;
    this.onFull();
    throw new DiskError("ENOSPC", "write");
  }

  #tear(content: Content): void {
    const { pieces, synced } = content;
    const kept = pieces
      .slice(0, synced)
      .map((piece) => (this.#ghosts.has(piece) ? new Uint8Array(piece.length) : piece));
    const later: (Uint8Array | undefined)[] = pieces.slice(synced).map((piece) => {
      const fate = this.#chance.fraction();
      if (fate < 0.4) return piece;
      if (fate < 0.7) return void this.#tally.count("write lost");
      this.#tally.count("write torn");
      const torn = Uint8Array.from(piece);
      const from = sectorBytes * this.#chance.between(0, Math.floor(piece.length / sectorBytes));
      return this.#chance.happens(0.5) ? torn.subarray(0, from) : torn.fill(0, from);
    });
    while (later.length > 0 && later.at(-1) === undefined) later.pop();
    for (const [at, piece] of later.entries())
      kept.push(piece ?? new Uint8Array(pieces[synced + at]!.length));
    content.pieces = kept;
    content.synced = kept.length;
  }

  async #wait(life: Life, what: string, usualMs: number): Promise<void> {
    const { slow } = this;
    const isSlow = this.#world.nowMs < slow.untilMs;
    if (isSlow) slow.onFelt?.();
    const waitMs = usualMs * this.#chance.spread(0.5, 4) + (isSlow ? slow.byMs : 0);
    await this.#world.sleep(waitMs, life, what);
  }
}

function bytesOf(content: Uint8Array | string): Uint8Array {
  return typeof content === "string" ? Buffer.from(content) : content;
}

function sizeOf({ pieces }: Content): number {
  let sizeBytes = 0;
  for (const piece of pieces) sizeBytes += piece.byteLength;
  return sizeBytes;
}
