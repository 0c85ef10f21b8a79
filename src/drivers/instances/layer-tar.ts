import { limits } from "#/base/limits.ts";
import { bareHeader, blockBytes, headerOf, paddingOf, paxHeader } from "./layer-header.ts";
import type { LayerHeader } from "./layer-header.ts";
import { LayerPaths } from "./layer-paths.ts";
import { attributesHere } from "./layer-attributes.ts";
import { damaged } from "./layer-fault.ts";
import { LayerReader } from "./layer-reader.ts";

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
  #reader: LayerReader;
  #ownerBase: number;
  #paths = new LayerPaths();
  #folders = new Map<string, LayerHeader>();
  #entries = 0;

  constructor(source: AsyncIterable<Uint8Array>, ownerBase: number) {
    this.#reader = new LayerReader(source);
    this.#ownerBase = ownerBase;
  }

  /** The tar to unpack. Throws HostingError "Client.InvalidImage" where the layer breaks a rule or is none. */
  async *rewritten(): AsyncGenerator<Uint8Array> {
    for (;;) {
      const header = await this.#reader.next();
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
      await this.#reader.skip(header.sizeBytes + paddingOf(header.sizeBytes));
      return;
    }
    if (file.startsWith(whiteout)) {
      await this.#reader.skip(header.sizeBytes + paddingOf(header.sizeBytes));
      const removed = folder + file.slice(whiteout.length);
      if (["", ".", ".."].includes(file.slice(whiteout.length)))
        throw damaged(`it must remove files by their names: it has '${header.name}'`);
      this.facts.removed.push(removed);
      if (accounts[removed]) this.facts[accounts[removed]] = "";
      this.#paths.take(removed);
      yield* this.#put({ ...bareHeader, name: removed, type: "character", major: 0, minor: 0 });
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
      yield* this.#put({ ...header, name: path, link, attributes: {} });
      return;
    }
    if (header.type === "link") this.#paths.link(path, header.link);
    else this.#paths.take(path);
    const attributes = attributesHere(header.attributes, this.#ownerBase);
    const entry = { ...header, name: path, attributes };
    if (header.type === "folder") this.#folders.set(path, entry);
    yield* this.#put(entry);
    if (header.type === "file") yield* this.#content(path, header.sizeBytes);
  }

  async *#content(path: string, sizeBytes: number): AsyncGenerator<Uint8Array> {
    const which = accounts[path];
    const kept: Uint8Array[] = [];
    for await (const piece of this.#reader.pass(sizeBytes)) {
      if (which && sizeBytes <= limits.accountsFileBytesMax) kept.push(piece);
      yield piece;
    }
    if (which) this.facts[which] = Buffer.concat(kept).toString();
    const padding = paddingOf(sizeBytes);
    await this.#reader.skip(padding);
    yield new Uint8Array(padding);
  }

  /** An entry once more, now with the mark: what a folder is may have been told after what it hides. */
  *#opaque(name: string): Generator<Uint8Array> {
    const folder = this.#folders.get(name) ?? {
      ...bareHeader,
      mode: 0o755,
      type: "folder" as const,
    };
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
}

const isDevice = ({ type }: LayerHeader) => type === "character" || type === "block";
