import { createHash } from "node:crypto";
import { CanopyError, messageOf } from "#/base/errors.ts";
import type { Files } from "#/base/files.ts";
import { walkTar, type TarEntry } from "#/base/tar.ts";

/** Where a part of an image is in its archive. */
export interface ArchivePart {
  offset: number;
  sizeBytes: number;
  /** SHA-256 of the part as it is in there, where the archive says it. */
  digest?: string;
}

/** One image of an archive: its configuration and its layers, the lowest first. */
export interface ArchivedImage {
  config: ImageConfig;
  layers: readonly ArchivePart[];
}

/** https://github.com/opencontainers/image-spec/blob/main/config.md */
export interface ImageConfig {
  architecture?: string;
  os?: string;
  config?: {
    Entrypoint?: string[] | null;
    Cmd?: string[] | null;
    Env?: string[] | null;
    WorkingDir?: string;
    User?: string;
    ExposedPorts?: Record<string, unknown> | null;
    StopSignal?: string;
  };
  rootfs?: { diff_ids?: string[] };
}

interface Descriptor {
  mediaType?: string;
  digest: string;
  size: number;
  platform?: { architecture?: string; os?: string };
}

const documentBytesMax = 4 * 1024 * 1024;

/**
 * The image in an archive as `buildah push oci-archive:` (OCI image layout) or `docker save` writes it. Throws CanopyError "invalid"
 * for one that is damaged or has none for this architecture; digests of documents are held against what names them.
 */
export async function readArchive(
  files: Pick<Files, "read" | "stat">,
  path: string,
  architecture: "amd64" | "arm64",
): Promise<ArchivedImage> {
  const archive = new Archive(files, path, await entriesOf(files, path));
  if (archive.has("index.json")) return fromLayout(archive, architecture);
  if (archive.has("manifest.json")) return fromDocker(archive);
  throw archive.no("it must have an index.json (OCI) or a manifest.json (Docker)");
}

async function entriesOf(files: Pick<Files, "read" | "stat">, path: string) {
  const entries = new Map<string, TarEntry>();
  for await (const entry of walkTar(files, path)) {
    const name = entry.name.replace(/^\.\//, "");
    if (name.startsWith("/") || name.split("/").includes(".."))
      throw new CanopyError(
        "invalid",
        `Cannot import ${path} as its names must stay in it: it has '${name.slice(0, 200)}'`,
      );
    entries.set(name, entry);
  }
  return entries;
}

async function fromLayout(archive: Archive, architecture: string): Promise<ArchivedImage> {
  let index = await archive.document<{ manifests?: Descriptor[] }>("index.json");
  for (let depth = 0; depth < 4; depth++) {
    const own = index.manifests?.filter(({ mediaType = "" }) => !mediaType.includes("attestation"));
    const chosen =
      own?.find(({ platform }) => platform?.architecture === architecture) ??
      (own?.length === 1 ? own[0] : undefined);
    if (!chosen) throw archive.no(`it must have an image for ${architecture}: it has none`);
    type Manifest = { config?: Descriptor; layers?: Descriptor[]; manifests?: Descriptor[] };
    const manifest = await archive.described<Manifest>(chosen);
    if (manifest.manifests) {
      index = manifest;
      continue;
    }
    if (!manifest.config || !manifest.layers)
      throw archive.no("its manifest must name a config and layers");
    return {
      config: await archive.described<ImageConfig>(manifest.config),
      layers: manifest.layers.map((layer) => archive.part(layer)),
    };
  }
  throw archive.no("its lists of images lead nowhere");
}

async function fromDocker(archive: Archive): Promise<ArchivedImage> {
  const manifests = await archive.document<{ Config: string; Layers: string[] }[]>("manifest.json");
  const [only] = manifests;
  if (!only || manifests.length !== 1 || !Array.isArray(only.Layers))
    throw archive.no(`it must hold one image: it has ${manifests.length ?? 0}`);
  return {
    config: await archive.document<ImageConfig>(only.Config),
    layers: only.Layers.map((name) => archive.entry(name)),
  };
}

class Archive {
  #files: Pick<Files, "read">;
  #path: string;
  #entries: Map<string, TarEntry>;

  constructor(files: Pick<Files, "read">, path: string, entries: Map<string, TarEntry>) {
    this.#files = files;
    this.#path = path;
    this.#entries = entries;
  }

  has(name: string): boolean {
    return this.#entries.has(name);
  }

  entry(name: string): TarEntry {
    const found = this.#entries.get(name);
    if (!found) throw this.no(`'${String(name).slice(0, 200)}' is missing in it`);
    return found;
  }

  part({ digest, size }: Descriptor): ArchivePart {
    const [, hex] = /^sha256:([0-9a-f]{64})$/.exec(digest) ?? [];
    if (hex === undefined) throw this.no(`a digest must be of SHA-256: one is '${digest}'`);
    const { offset, sizeBytes } = this.entry(`blobs/sha256/${hex}`);
    if (sizeBytes !== size) throw this.no(`${digest} must have ${size} bytes: it has ${sizeBytes}`);
    return { offset, sizeBytes, digest: hex };
  }

  async described<T>(descriptor: Descriptor): Promise<T> {
    const { digest } = this.part(descriptor);
    return this.document<T>(`blobs/sha256/${digest}`, digest);
  }

  async document<T>(name: string, digest?: string): Promise<T> {
    const { offset, sizeBytes } = this.entry(name);
    if (sizeBytes > documentBytesMax) throw this.no(`'${name}' is too long`);
    const bytes = (await this.#files.read(this.#path, { offset, length: sizeBytes }))!;
    if (digest !== undefined && createHash("sha256").update(bytes).digest("hex") !== digest)
      throw this.no(`it is damaged: '${name}' is not what its name says`);
    try {
      return JSON.parse(Buffer.from(bytes).toString("utf8")) as T;
    } catch (thrown) {
      throw this.no(`'${name}' is no JSON: ${messageOf(thrown)}`);
    }
  }

  no(why: string): CanopyError {
    return new CanopyError("invalid", `Cannot import ${this.#path} as ${why}`);
  }
}
