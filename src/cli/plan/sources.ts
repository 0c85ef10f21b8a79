import { createHash } from "node:crypto";
import { isAbsolute, relative, resolve } from "node:path";
import type { Files } from "#/base/files.ts";
import type { Terminal } from "../terminal.ts";

/** Local files that a plan was made of: their SHA-256 by path, relative to where it was made. */
export type Sources = Readonly<Record<string, string>>;

/** Notes which files are read, and hashes them in the end. */
export class SourceWatch {
  /** The terminal, whose reads are noted. */
  readonly terminal: Terminal;
  #seen = new Set<string>();
  #files: Files;
  #folder: string;

  constructor(terminal: Terminal) {
    const { world } = terminal;
    this.#files = world.files;
    this.#folder = world.folder;
    const { files } = world;
    const watched: Partial<Files> = {
      read: (path, part) => {
        this.note([path]);
        return files.read(path, part);
      },
      stream: (path, part) => {
        this.note([path]);
        return files.stream(path, part);
      },
    };
    const all = Object.assign(Object.create(files) as Files, watched);
    this.terminal = { ...terminal, world: { ...world, files: all } };
  }

  note(paths: readonly string[]): void {
    for (const path of paths) this.#seen.add(path);
  }

  async hashes(): Promise<Sources> {
    const hashes: Record<string, string> = {};
    for (const path of [...this.#seen].sort()) {
      const hash = await hashOf(this.#files, path);
      if (hash !== undefined) hashes[relative(this.#folder, path) || path] = hash;
    }
    return hashes;
  }
}

/** The files that are there and are not what they were. Those that are not there are not missed: a plan runs without them. */
export async function changedSources(
  sources: Sources,
  { files, folder }: Pick<Terminal["world"], "files" | "folder">,
): Promise<string[]> {
  const changed: string[] = [];
  for (const [name, hash] of Object.entries(sources)) {
    const now = await hashOf(files, isAbsolute(name) ? name : resolve(folder, name));
    if (now !== undefined && now !== hash) changed.push(name);
  }
  return changed;
}

async function hashOf(files: Files, path: string): Promise<string | undefined> {
  const found = await files.stat(path);
  if (!found || found.isFolder) return undefined;
  const hash = createHash("sha256");
  for await (const piece of files.stream(path)) hash.update(piece);
  return hash.digest("hex");
}
