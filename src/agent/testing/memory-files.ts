import type { Files } from "#/base/files.ts";

/** Files that are nothing but memory, where a test lets no real time pass. Streams and appending are not among them. */
export class MemoryFiles {
  #contents = new Map<string, Uint8Array>();

  /** The same files for another life of who has them: what the old one still writes is not heard. */
  next(): MemoryFiles {
    const files = new MemoryFiles();
    files.#contents = this.#contents;
    this.#contents = new Map(this.#contents);
    return files;
  }

  /** As the port that is handed in. */
  get port(): Files {
    return this as unknown as Files;
  }

  async read(path: string): Promise<Uint8Array | undefined> {
    return this.#contents.get(path);
  }

  async write(path: string, content: Uint8Array | string): Promise<void> {
    this.#contents.set(path, Buffer.from(content));
  }

  async stat(path: string): Promise<{ sizeBytes: number } | undefined> {
    const content = this.#contents.get(path);
    return content && { sizeBytes: content.length };
  }

  async makeFolder(): Promise<void> {}

  async list(folder: string): Promise<string[]> {
    const start = `${folder}/`;
    const inside = [...this.#contents.keys()].filter((path) => path.startsWith(start));
    return [...new Set(inside.map((path) => path.slice(start.length).split("/")[0]!))];
  }

  async remove(path: string): Promise<void> {
    for (const known of this.#contents.keys())
      if (known === path || known.startsWith(`${path}/`)) this.#contents.delete(known);
  }
}
