import { entryOf, type Call } from "./calls.ts";
import { cutFile, type FileState, type PendingWrite } from "./cut-file.ts";
import type { Chance } from "#/base/testing/chance.ts";

interface FileNode extends FileState {
  type: "file";
}

interface FolderNode {
  type: "folder";
  /** As processes see it. */
  entries: Map<string, Node>;
  /** As it is on disk for sure. */
  durable: Map<string, Node>;
  /** What happened to entries since, oldest first; undefined for one that is gone. */
  pending: { name: string; node: Node | undefined; at: number }[];
}

type Node = FileNode | FolderNode;

/** Files by path below the root; a folder ends with "/" and has no content. */
export type Image = Map<string, Uint8Array>;

/**
 * A folder on a disk with a cache between: it follows recorded calls, and tells what may be there when
 * the power goes. What was synced is there. Of the rest each file decides for itself (`cut-file.ts`); of
 * the entries of a folder those that changed first are kept, up to any point, as file systems keep their
 * changes in order. An entry needs a sync of its folder; a synced file without one may be gone.
 */
export class Disk {
  #root = newFolder();
  #rootPath: string;

  constructor(rootPath: string) {
    this.#rootPath = rootPath;
  }

  /** Follows the call that is number `at` of all. */
  apply(call: Call, at: number): void {
    if (call.type === "mark") return;
    const { folder: folderPath, name } = entryOf(call.path);
    switch (call.type) {
      case "create":
        if (!this.#find(call.path)) this.#set(folderPath, name, newFile(), at);
        return;
      case "make-folder":
        return this.#set(folderPath, name, newFolder(), at);
      case "unlink":
        return this.#set(folderPath, name, undefined, at);
      case "rename": {
        const to = entryOf(call.to);
        const node = this.#find(call.path);
        if (call.to === call.path) return;
        this.#set(to.folder, to.name, node, at);
        return this.#set(folderPath, name, undefined, at);
      }
      case "write":
      case "truncate":
        return write(this.#file(call.path), call, at);
      case "sync":
        return sync(this.#find(call.path)!, call.from);
    }
  }

  /** The folder as it may be found after a power cut now. */
  cut(chance: Chance): Image {
    const image: Image = new Map();
    cutFolder(this.#root, "", image, chance);
    return image;
  }

  #find(path: string): Node | undefined {
    let node: Node | undefined = this.#root;
    for (const name of path.slice(this.#rootPath.length).split("/").filter(Boolean)) {
      if (node?.type !== "folder") return undefined;
      node = node.entries.get(name);
    }
    return node;
  }

  #file(path: string): FileNode {
    const node = this.#find(path);
    if (node?.type !== "file") throw new Error(`Cannot write to ${path} as it is no file`);
    return node;
  }

  #set(folderPath: string, name: string, node: Node | undefined, at: number): void {
    const folder = this.#find(folderPath);
    if (folder?.type !== "folder") throw new Error(`Cannot find the folder ${folderPath}`);
    if (node) folder.entries.set(name, node);
    else folder.entries.delete(name);
    folder.pending.push({ name, node, at });
  }
}

const newFolder = (): FolderNode => ({
  type: "folder",
  entries: new Map(),
  durable: new Map(),
  pending: [],
});
const newFile = (): FileNode => ({
  type: "file",
  durable: Buffer.alloc(0),
  sizeBytes: 0,
  pending: [],
});

function write(
  file: FileNode,
  call: Extract<Call, { type: "write" | "truncate" }>,
  at: number,
): void {
  if (call.type === "truncate") {
    file.pending.push({ at, sizeBytes: call.sizeBytes });
    file.sizeBytes = call.sizeBytes;
    return;
  }
  const offset = call.offset ?? file.sizeBytes;
  file.pending.push({ at, offset, data: call.data });
  file.sizeBytes = Math.max(file.sizeBytes, offset + call.data.length);
}

function sync(node: Node, from: number): void {
  const isCovered = ({ at }: { at: number }) => at < from;
  if (node.type === "folder") {
    for (const { name, node: entry } of node.pending.filter(isCovered))
      setEntry(node.durable, name, entry);
    node.pending = node.pending.filter((change) => !isCovered(change));
    return;
  }
  const covered = node.pending.filter(isCovered);
  node.pending = node.pending.filter((change) => !isCovered(change));
  node.durable = cutFile({ ...node, pending: covered as PendingWrite[] }, "all");
}

function setEntry(entries: Map<string, Node>, name: string, node: Node | undefined): void {
  if (node) entries.set(name, node);
  else entries.delete(name);
}

function cutFolder(folder: FolderNode, path: string, image: Image, chance: Chance): void {
  const entries = new Map(folder.durable);
  const kept = chance.pick([0, folder.pending.length, chance.below(folder.pending.length + 1)]);
  for (const { name, node } of folder.pending.slice(0, kept)) setEntry(entries, name, node);
  for (const [name, node] of entries) {
    if (node.type === "file") image.set(path + name, cutFile(node, chance));
    else {
      image.set(`${path}${name}/`, new Uint8Array());
      cutFolder(node, `${path}${name}/`, image, chance);
    }
  }
}
