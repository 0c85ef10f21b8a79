import { limits } from "#/base/limits.ts";
import { blockBytes, headerOf, paddingOf, paxHeader, readHeader, readPax } from "./layer-header.ts";
import type { LayerHeader } from "./layer-header.ts";
import { LayerPaths } from "./layer-paths.ts";
import { damaged } from "./layer-fault.ts";

/**
 * A layer of an OCI image is a tar that anyone may have written, and the agent unpacks it with rights that its author does not
 * have. So no entry of it goes to the disk as it is: each header is read, held against the rules, and written anew. What comes
 * out is a tar for an empty folder, whose
 *
 * - names have no "..", do not begin at the root, and lead through no link to anywhere but below that folder;
 * - owners are the machine's for those of the container (`ownerBase` is its root), so that root in there is nobody out here;
 * - devices are only those that give nothing away, and files that were removed are overlayfs's marks of that.
 *
 * (https://github.com/opencontainers/image-spec/blob/main/layer.md)
 */
export interface LayerFacts {
  /** The contents of etc/passwd and etc/group, where the layer has them; "" where it removes them. */
  passwd?: string;
  group?: string;
  /** What it removes of layers below it, and folders of which it shows nothing that is below. */
  removed: string[];
  opaque: string[];
  sizeBytes: number;
}

const whiteout = ".wh.";
const opaqueMark = ".wh..wh..opq";
const accounts: Record<string, "passwd" | "group"> = {
  "etc/passwd": "passwd",
  "etc/group": "group",
};

/** Devices that every container has anyway, as "major:minor". */
const harmlessDevices = new Set(["1:3", "1:5", "1:7", "1:8", "1:9", "5:0", "5:1", "5:2"]);

export class LayerTar {
  readonly facts: LayerFacts = { removed: [], opaque: [], sizeBytes: 0 };
  #bytes: Bytes;
  #ownerBase: number;
  #paths = new LayerPaths();
  #folders = new Map<string, LayerHeader>();
  #entries = 0;

  constructor(source: AsyncIterable<Uint8Array>, ownerBase: number) {
    this.#bytes = new Bytes(source);
    this.#ownerBase = ownerBase;
  }

  /** The tar to unpack. Throws HostingError "Client.InvalidImage" where the layer breaks a rule or is none. */
  async *rewritten(): AsyncGenerator<Uint8Array> {
    for (;;) {
      const header = await this.#next();
      if (!header) break;
      if (++this.#entries > limits.layerEntriesMax)
        throw damaged(`it must have at most ${limits.layerEntriesMax} files`);
      this.facts.sizeBytes += header.sizeBytes;
      if (this.facts.sizeBytes > limits.layerBytesMax)
        throw damaged(`it must hold at most ${limits.layerBytesMax} bytes`);
      yield* this.#rewrite(header);
    }
    for (const name of this.facts.opaque) yield* this.#opaque(name);
    yield new Uint8Array(2 * blockBytes);
  }

  async *#rewrite(header: LayerHeader): AsyncGenerator<Uint8Array> {
    const path = this.#paths.resolve(header.name);
    const slash = path.lastIndexOf("/");
    const [folder, file] = [path.slice(0, slash + 1), path.slice(slash + 1)];
    if (path === "" && header.type !== "folder")
      throw damaged("what stands for its root must be a folder");
    if (file === opaqueMark) {
      this.facts.opaque.push(folder.replace(/\/$/, ""));
      await this.#bytes.skip(header.sizeBytes + paddingOf(header.sizeBytes));
      return;
    }
    if (file.startsWith(whiteout)) {
      await this.#bytes.skip(header.sizeBytes + paddingOf(header.sizeBytes));
      const removed = folder + file.slice(whiteout.length);
      if (["", ".", ".."].includes(file.slice(whiteout.length)))
        throw damaged(`it must remove files by their names: it has '${header.name}'`);
      this.facts.removed.push(removed);
      if (accounts[removed]) this.facts[accounts[removed]] = "";
      this.#paths.take(removed);
      yield* this.#put({ ...bare, name: removed, type: "character", major: 0, minor: 0 });
      return;
    }
    if (isDevice(header) && !harmlessDevices.has(`${header.major}:${header.minor}`)) {
      // Over /dev there is another /dev anyway.
      if (path.startsWith("dev/")) return;
      throw damaged(
        `it must have no devices: '${header.name}' is ${header.type} ${header.major}:${header.minor}`,
      );
    }
    if (header.type === "hard link") {
      const link = this.#paths.resolve(header.link);
      this.#paths.copy(link, path);
      yield* this.#put({ ...header, name: path, link });
      return;
    }
    if (header.type === "link") this.#paths.link(path, header.link);
    else this.#paths.take(path);
    const entry = { ...header, name: path };
    if (header.type === "folder") this.#folders.set(path, entry);
    yield* this.#put(entry);
    if (header.type === "file") yield* this.#content(path, header.sizeBytes);
  }

  async *#content(path: string, sizeBytes: number): AsyncGenerator<Uint8Array> {
    const which = accounts[path];
    const kept: Uint8Array[] = [];
    for await (const piece of this.#bytes.pass(sizeBytes)) {
      if (which && sizeBytes <= limits.accountsFileBytesMax) kept.push(piece);
      yield piece;
    }
    if (which) this.facts[which] = Buffer.concat(kept).toString();
    const padding = paddingOf(sizeBytes);
    await this.#bytes.skip(padding);
    yield new Uint8Array(padding);
  }

  /** An entry once more, now with the mark: what a folder is may have been told after what it hides. */
  *#opaque(name: string): Generator<Uint8Array> {
    const folder = this.#folders.get(name) ?? { ...bare, mode: 0o755, type: "folder" as const };
    const attributes = { ...folder.attributes, "trusted.overlay.opaque": "y" };
    yield* this.#put({ ...folder, name, attributes });
  }

  *#put(header: LayerHeader): Generator<Uint8Array> {
    const owned = {
      ...header,
      name: header.name === "" ? "." : header.name,
      owner: this.#owner(header, header.owner),
      group: this.#owner(header, header.group),
    };
    yield* paxHeader(owned);
    yield headerOf(owned);
  }

  #owner({ name }: LayerHeader, owner: number): number {
    if (Number.isInteger(owner) && owner >= 0 && owner < limits.containerOwnersMax)
      return this.#ownerBase + owner;
    throw damaged(
      `its files must belong to users below ${limits.containerOwnersMax}: '${name}' belongs to ${owner}`,
    );
  }

  /** The next entry, with what the headers before it say of it. */
  async #next(): Promise<LayerHeader | undefined> {
    let told: Partial<LayerHeader> = {};
    for (;;) {
      const block = await this.#bytes.take(blockBytes);
      if (block.every((byte) => byte === 0)) return undefined;
      const header = readHeader(block);
      if (typeof header !== "object") throw damaged("what stands where a header must be is none");
      if (header.type === "more" || header.type === "name" || header.type === "target") {
        if (header.sizeBytes > limits.layerHeaderBytesMax)
          throw damaged(`its headers must have at most ${limits.layerHeaderBytesMax} bytes`);
        const content = await this.#bytes.take(header.sizeBytes);
        await this.#bytes.skip(paddingOf(header.sizeBytes));
        const text = content.toString("utf8").split("\0")[0]!;
        if (header.type === "more") told = { ...told, ...readPax(content) };
        else if (header.type === "name") told = { ...told, name: text };
        else told = { ...told, link: text };
        continue;
      }
      const entry = { ...header, ...told };
      if (entry.type === "unknown")
        throw damaged(`it must have files, folders and links only: '${entry.name}' is neither`);
      if (!Number.isSafeInteger(entry.sizeBytes) || entry.sizeBytes < 0)
        throw damaged(`its files must have a size: '${entry.name}' has none`);
      if (entry.type !== "file") entry.sizeBytes = 0;
      return entry;
    }
  }
}

const bare: LayerHeader = {
  name: "",
  type: "file",
  mode: 0,
  owner: 0,
  group: 0,
  sizeBytes: 0,
  modified: 0,
  link: "",
  major: 0,
  minor: 0,
  attributes: {},
};

const isDevice = ({ type }: LayerHeader) => type === "character" || type === "block";

/** Bytes of a source, so many at a time. */
class Bytes {
  #source: AsyncIterator<Uint8Array>;
  #rest: Uint8Array = new Uint8Array();

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  async take(length: number): Promise<Buffer> {
    const pieces: Uint8Array[] = [];
    for await (const piece of this.pass(length)) pieces.push(piece);
    return Buffer.concat(pieces);
  }

  async skip(length: number): Promise<void> {
    for await (const piece of this.pass(length)) void piece;
  }

  async *pass(length: number): AsyncGenerator<Uint8Array> {
    for (let left = length; left > 0;) {
      if (this.#rest.length === 0) {
        const next = await this.#source.next();
        if (next.done) throw damaged("it is cut off: its end is missing");
        this.#rest = next.value;
      }
      const piece = this.#rest.subarray(0, left);
      this.#rest = this.#rest.subarray(piece.length);
      left -= piece.length;
      if (piece.length > 0) yield piece;
    }
  }
}
