import { dirname } from "node:path";

/**
 * What the paths of a disk mean, and what of that a power cut may take back: whatever was made, replaced
 * or removed in a folder is as before or as after, each by itself, until that folder is synced. A folder
 * is a name in the one above it: lost with it is all that it holds, synced or not.
 */
export class Names<Content> {
  #now = new Map<string, Content>();
  /** What a file's name meant when its folder was last synced, where that is not what it means now. */
  #before = new Map<string, Content | undefined>();
  /** Folders that there are, and whether their names stay. */
  #folders = new Map<string, boolean>([["/", true]]);

  get(path: string): Content | undefined {
    return this.#now.get(path);
  }

  paths(): IterableIterator<string> {
    return this.#now.keys();
  }

  contents(): IterableIterator<Content> {
    return this.#now.values();
  }

  set(path: string, content: Content | undefined): void {
    if (!this.#before.has(path)) this.#before.set(path, this.#now.get(path));
    if (content === undefined) this.#now.delete(path);
    else this.#now.set(path, content);
  }

  /** Makes a folder and those above it that are missing. */
  makeFolder(folder: string): void {
    if (this.#folders.has(folder)) return;
    this.makeFolder(dirname(folder));
    this.#folders.set(folder, false);
  }

  /** Removes a file, or a folder with all in it. */
  remove(path: string): void {
    for (const name of this.#now.keys()) if (isIn(name, path)) this.set(name, undefined);
    for (const folder of this.#folders.keys()) if (isIn(folder, path)) this.#folders.delete(folder);
  }

  /** Folders to be synced so that the name of this one, and those above it, stay. */
  unsynced(folder: string): string[] {
    if (folder === "/") return [];
    const above = dirname(folder);
    return [...(this.#folders.get(folder) ? [] : [above]), ...this.unsynced(above)];
  }

  /** Begins the sync of a folder, which covers what it holds at this moment; gives what ends it. */
  sync(folder: string): () => void {
    const files = [...this.#before.keys()].filter((path) => dirname(path) === folder);
    const meant = files.map((path) => [path, this.#now.get(path)] as const);
    const inner = [...this.#folders.keys()].filter((path) => dirname(path) === folder);
    return () => {
      for (const [path, content] of meant) {
        if (this.#now.get(path) === content) this.#before.delete(path);
        else if (this.#before.has(path)) this.#before.set(path, content);
      }
      for (const path of inner) if (this.#folders.has(path)) this.#folders.set(path, true);
    };
  }

  /** The power is gone. `isLost` decides for each name that nothing made stay. */
  cut(isLost: () => boolean): void {
    for (const [path, before] of this.#before) {
      if (!isLost()) continue;
      if (before === undefined) this.#now.delete(path);
      else this.#now.set(path, before);
    }
    this.#before.clear();
    for (const [folder, stays] of this.#folders) {
      if (stays || !isLost()) continue;
      for (const path of this.#now.keys()) if (isIn(path, folder)) this.#now.delete(path);
      for (const path of this.#folders.keys()) if (isIn(path, folder)) this.#folders.delete(path);
    }
    for (const folder of this.#folders.keys()) this.#folders.set(folder, true);
  }
}

function isIn(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`);
}
