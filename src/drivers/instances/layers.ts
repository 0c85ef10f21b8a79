import { createGunzip, createZstdDecompress } from "node:zlib";
import { join } from "node:path";
import { pipeline, Readable, type Transform } from "node:stream";
import { CanopyError, messageOf } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import { randomText } from "#/base/random.ts";
import type { ImageBlob } from "#/model/image.ts";
import type { InstanceDriverParts } from "../instance-driver.ts";
import { runCommand } from "./command.ts";
import { HostingError } from "./hosting-error.ts";
import { damaged } from "./layer-fault.ts";
import { LayerTar, type LayerFacts } from "./layer-tar.ts";

/** A layer as a folder that overlayfs can take as a lower one. It is not to be changed. */
export interface Layer {
  /** Of its folder, short: an overlay names all of its own in one page. */
  name: string;
  facts: LayerFacts;
}

/**
 * Layers of images, each unpacked once for all instances that have it, whosever they are: its name follows from its content.
 * Their files belong to owners from `limits.containerOwnerBase` on.
 */
export class Layers {
  readonly folder: string;
  #parts: Pick<InstanceDriverParts, "files" | "processes" | "blobs" | "log" | "random">;
  #known = new Map<string, Layer>();
  #underWay = new Map<string, Promise<Layer>>();

  constructor(
    parts: Pick<InstanceDriverParts, "files" | "processes" | "blobs" | "log" | "random">,
    folder: string,
  ) {
    this.#parts = parts;
    this.folder = folder;
  }

  /**
   * Those of an image, the lowest first, each once. Throws HostingError: "Client.InvalidImage" for one that is damaged or breaks a rule,
   * "Client.InvalidSnapshot.NotFound" where its blob is not to be had, "Server.InsufficientVolumeCapacity" on a full disk.
   */
  async unpacked(project: string, blobs: readonly ImageBlob[]): Promise<Layer[]> {
    if (blobs.length === 0 || blobs.length > limits.imageLayersMax)
      throw new HostingError(
        "Client.InvalidImage",
        `Cannot start from an image as it must have 1 to ${limits.imageLayersMax} layers: it has ${blobs.length}`,
      );
    const layers: Layer[] = [];
    for (const blob of blobs) layers.push(await this.#layer(project, blob));
    // One that is there twice does all that it does again above, and overlayfs takes no folder twice.
    return layers.filter(({ name }, at) => layers.findLastIndex((one) => one.name === name) === at);
  }

  /** Removes all but those named, and what was left half unpacked. */
  async keepOnly(keys: ReadonlySet<string>): Promise<void> {
    const names = new Set([...keys].map(nameOf));
    const { files } = this.#parts;
    for (const file of await files.list(this.folder)) {
      const name = file.replace(/\.(json|aside.*)$/, "");
      if (this.#underWay.has(name) || (names.has(name) && !file.includes(".aside"))) continue;
      this.#known.delete(name);
      // What says that it is whole goes first.
      await files.remove(join(this.folder, `${name}.json`));
      await files.remove(join(this.folder, file));
    }
  }

  #layer(project: string, blob: ImageBlob): Promise<Layer> {
    const name = nameOf(blob.key);
    let promise = this.#underWay.get(name);
    if (!promise) {
      promise = this.#find(name).then((found) => found ?? this.#unpack(name, project, blob));
      this.#underWay.set(name, promise);
      promise.catch(() => {}).finally(() => this.#underWay.delete(name));
    }
    return promise;
  }

  async #find(name: string): Promise<Layer | undefined> {
    const known = this.#known.get(name);
    if (known) return known;
    const facts = await this.#parts.files.read(join(this.folder, `${name}.json`));
    if (!facts) return undefined;
    const layer = { name, facts: JSON.parse(Buffer.from(facts).toString()) as LayerFacts };
    this.#known.set(name, layer);
    return layer;
  }

  async #unpack(name: string, project: string, blob: ImageBlob): Promise<Layer> {
    const { files, random } = this.#parts;
    const { path } = await this.#fetch(project, blob);
    const aside = join(this.folder, `${name}.aside-${randomText(random, 8)}`);
    await files.makeFolder(aside);
    try {
      const tar = new LayerTar(
        unzipped(files.stream(path), await this.#magic(path)),
        limits.containerOwnerBase,
      );
      await this.#extract(aside, tar);
      await files.remove(join(this.folder, name));
      await files.rename(aside, join(this.folder, name));
      await files.write(join(this.folder, `${name}.json`), JSON.stringify(tar.facts));
      return { name, facts: tar.facts };
    } catch (thrown) {
      await files.remove(aside);
      throw thrown;
    }
  }

  async #fetch(project: string, { key }: ImageBlob): Promise<{ path: string }> {
    try {
      return await this.#parts.blobs.fetch(project, key);
    } catch (thrown) {
      if (!(thrown instanceof CanopyError) || thrown.code !== "not-found") throw thrown;
      throw new HostingError(
        "Client.InvalidSnapshot.NotFound",
        `Cannot start from an image as the blob of its layer ${key} must be there: it is not`,
        { cause: thrown },
      );
    }
  }

  async #magic(path: string): Promise<Buffer> {
    return Buffer.from((await this.#parts.files.read(path, { offset: 0, length: 4 })) ?? []);
  }

  async #extract(folder: string, tar: LayerTar): Promise<void> {
    const fault: { thrown?: unknown } = {};
    const said = await runCommand(this.#parts.processes, [...tarCommand, folder], {
      input: untilFault(tar.rewritten(), fault),
    });
    // A tar that ends early stops being read: what is wrong with it says more than what tar says.
    if (fault.thrown !== undefined) throw fault.thrown;
    if (said.code === 0) return;
    if (said.errors.includes("No space left"))
      throw new HostingError(
        "Server.InsufficientVolumeCapacity",
        "Cannot unpack a layer of the image as the machine's disk is full",
      );
    throw damaged(`tar refuses it: ${said.errors.trim().split("\n").slice(0, 3).join("; ")}`);
  }
}

const tarCommand = (
  "tar --extract --file=- --same-permissions --same-owner --numeric-owner --delay-directory-restore " +
  "--xattrs --xattrs-include=* --warning=no-timestamp --directory"
).split(" ");

/** 128 bits of the content's hash. */
function nameOf(key: string): string {
  return key.slice(0, 32);
}

async function* untilFault(
  source: AsyncIterable<Uint8Array>,
  fault: { thrown?: unknown },
): AsyncGenerator<Uint8Array> {
  try {
    yield* source;
  } catch (thrown) {
    fault.thrown = thrown;
  }
}

function unzipped(source: AsyncIterable<Uint8Array>, magic: Buffer): AsyncIterable<Uint8Array> {
  if (magic.length < 4) return source;
  if (magic.readUInt16BE() === 0x1f8b) return through(createGunzip(), source);
  if (magic.readUInt32BE() === 0x28b52ffd) return through(createZstdDecompress(), source);
  return source;
}

async function* through(
  transform: Transform,
  source: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  // What is wrong with either shows where it is read.
  pipeline(Readable.from(source), transform, () => {});
  try {
    yield* transform as AsyncIterable<Uint8Array>;
  } catch (thrown) {
    throw damaged(`it cannot be decompressed: ${messageOf(thrown)}`);
  }
}
