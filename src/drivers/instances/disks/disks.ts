import { dirname, join } from "node:path";
import { CanopyError } from "#/base/errors.ts";
import type { Host } from "#/base/host.ts";
import { ChunkCodec, diskChunkBytes } from "#/model/disk-chunks.ts";
import { readDisk, writeDisk } from "#/model/disk-copy.ts";
import type { VolumeSnapshotOrder, VolumeOrder } from "#/model/hosting.ts";
import type { DiskManifest } from "#/model/volume.ts";
import type { BlobAccess } from "../../driver.ts";
import type { Disks, DiskSource, PreparedVolume } from "../../instance-driver.ts";
import { HostingError } from "../hosting-error.ts";
import { Bases, blobBytesMax, sweepMaking } from "./bases.ts";
import { diskFault } from "./faults.ts";
import {
  baseName,
  makingFile,
  manifestOfBase,
  placeAt,
  volumeFile,
  volumeOfFile,
  type Place,
} from "./place.ts";
import { DiskPrograms } from "./programs.ts";
import { readQcow2Header } from "./qcow2.ts";
import { StoredChunks } from "./stored-chunks.ts";

export interface DisksParts extends Pick<
  Host,
  "clock" | "files" | "processes" | "sockets" | "log"
> {
  /** The agent's own; volumes are in a folder of it. */
  folder: string;
  /** Folders that other machines have too, by name. */
  storages: Readonly<Record<string, string>>;
  blobs: BlobAccess;
  /** Of this agent alone. */
  mark: string;
}

/**
 * Opens the files of volumes on this machine: qcow2, each on the base of the snapshot that it began as, or by itself. An
 * encrypted one is LUKS in qcow2 and stands on nothing, as a base would be in the clear. Whatever is made is made aside, synced
 * and renamed, so that a file with a volume's name is whole.
 */
export async function openDisks(parts: DisksParts): Promise<Disks> {
  const { clock, files, folder, storages, log, mark, blobs } = parts;
  const work = join(folder, "disk-work");
  const own = placeAt(folder);
  const shared = Object.entries(storages).map(([name, path]) => placeAt(path, name));
  const ownMark = `${mark}-disks`;
  const programs = new DiskPrograms({ ...parts, folder: work, mark: ownMark });
  await programs.begin();
  const chunks = new StoredChunks(files, blobs, work);
  const bases = new Bases({ files, programs, chunks, mark });
  const disks = new QemuDisks({ files, programs, chunks, bases, mark, places: [own, ...shared] });
  for (const place of [own, ...shared]) {
    try {
      await files.makeFolder(place.volumes);
      await files.makeFolder(place.bases);
      for (const one of [place.volumes, place.bases])
        await sweepMaking(files, one, { mark, nowMs: clock.now() });
      await bases.sweep(place);
    } catch (thrown) {
      log.error(`the storage '${place.storage ?? folder}' cannot be used`, {
        error: diskFault("open it", thrown).message,
      });
    }
  }
  return disks;
}

interface Parts {
  files: Host["files"];
  programs: DiskPrograms;
  chunks: StoredChunks;
  bases: Bases;
  mark: string;
  places: readonly Place[];
}

class QemuDisks implements Disks {
  #parts: Parts;
  #count = 0;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  async prepare(order: VolumeOrder): Promise<PreparedVolume> {
    const { files } = this.#parts;
    const place = this.#placeOf(order.storage);
    const path = volumeFile(place, order.volume);
    try {
      const header = await readQcow2Header(files, path);
      if (!header && (await files.stat(path)))
        throw new HostingError("Server.InternalError", `${path} is no file of a volume`);
      if (!header) await this.#make(order, place, path);
      const sizeBytes = header ? await this.#grown(order, path, header.sizeBytes) : order.sizeBytes;
      const below = await this.#below(path);
      return { path, sizeBytes, ...(below !== undefined && { below }) };
    } catch (thrown) {
      throw diskFault(`make the volume ${order.volume}`, thrown);
    }
  }

  /** Who has it open while it runs makes it larger itself. */
  async #grown({ sizeBytes, key }: VolumeOrder, path: string, isBytes: number): Promise<number> {
    if (isBytes >= sizeBytes) return isBytes;
    try {
      await this.#parts.programs.grow({ path, format: "qcow2", key }, sizeBytes);
      return sizeBytes;
    } catch (thrown) {
      if (thrown instanceof CanopyError && thrown.code === "conflict") return isBytes;
      throw thrown;
    }
  }

  /**
   * The file that it stands on. A guest that broke out of QEMU's rules could have written another name into its own file: none
   * but bases is ever opened for it.
   */
  async #below(path: string): Promise<string | undefined> {
    const header = await readQcow2Header(this.#parts.files, path);
    if (header?.below === undefined && header?.hasDataFile === false) return undefined;
    const manifest = header?.below === undefined ? undefined : manifestOfBase(header.below);
    if (manifest === undefined || header?.hasDataFile !== false)
      throw new HostingError("Server.InternalError", `${path} names files that are not its own`);
    return join(dirname(path), baseName(manifest));
  }

  async #make(order: VolumeOrder, place: Place, path: string): Promise<void> {
    const { files, programs, mark } = this.#parts;
    const { sizeBytes, key } = order;
    const manifest = await this.#manifestOf(order);
    const aside = makingFile(path, mark, ++this.#count);
    const disk = { path: aside, format: "qcow2" as const, key };
    try {
      if (!manifest) await programs.create(disk, { sizeBytes });
      else if (key === undefined) await this.#overlay(order, manifest, { place, aside });
      else await this.#copy(order, manifest, disk);
      await programs.sync(aside);
      await files.rename(aside, path);
    } catch (thrown) {
      await files.remove(aside);
      throw thrown;
    }
  }

  async #manifestOf(order: VolumeOrder): Promise<DiskManifest | undefined> {
    const { volume, manifest: key, key: ownKey, manifestKey, sizeBytes } = order;
    if (key === undefined) return undefined;
    const manifest = await this.#parts.chunks.manifest(projectOf(order), key);
    const no = (why: string) =>
      new HostingError(
        "Client.InvalidSnapshot.NotFound",
        `Cannot make the volume ${volume} of its snapshot: ${why}`,
      );
    if (manifest.sizeBytes > sizeBytes)
      throw no(`that has ${manifest.sizeBytes} bytes, and the volume ${sizeBytes}`);
    if (manifest.isSealed && manifestKey === undefined) throw no("the key of that is not known");
    if (manifest.isSealed && ownKey === undefined)
      throw no("what was encrypted must stay so, and the volume is not");
    return manifest;
  }

  async #overlay(
    order: VolumeOrder,
    manifest: DiskManifest,
    { place, aside }: { place: Place; aside: string },
  ): Promise<void> {
    const { programs, bases } = this.#parts;
    const { sizeBytes, manifest: key = "" } = order;
    const below = baseName(key);
    await programs.create({ path: aside, format: "qcow2" }, { sizeBytes, below });
    await bases.need(place, projectOf(order), key, manifest);
  }

  async #copy(
    order: VolumeOrder,
    manifest: DiskManifest,
    file: { path: string; format: "qcow2"; key: string | undefined },
  ): Promise<void> {
    const { programs, chunks } = this.#parts;
    const { sizeBytes, manifestKey } = order;
    await programs.create(file, { sizeBytes });
    const disk = await programs.open(file, { isReadOnly: false });
    try {
      await writeDisk(disk.contents, manifest, {
        codec: new ChunkCodec(manifest.isSealed ? manifestKey : undefined),
        fetch: (key) => chunks.fetch(projectOf(order), key, blobBytesMax(manifest)),
      });
    } finally {
      await disk.close();
    }
  }

  async remove(volume: string, storage: string | undefined): Promise<void> {
    const { files, bases } = this.#parts;
    const place = this.#placeOf(storage);
    await files.remove(volumeFile(place, volume));
    await bases.sweep(place);
  }

  async list(): Promise<{ volume: string; storage?: string }[]> {
    const listed: { volume: string; storage?: string }[] = [];
    for (const { volumes, storage } of this.#parts.places)
      for (const name of await this.#parts.files.list(volumes)) {
        const volume = volumeOfFile(name);
        if (volume !== undefined)
          listed.push({ volume, ...(storage !== undefined && { storage }) });
      }
    return listed;
  }

  async keep(
    order: VolumeSnapshotOrder,
    { path, below }: DiskSource,
    onProgress: (percent: number) => void,
  ): Promise<{ manifest: string; newBytes: number }> {
    const { programs, chunks } = this.#parts;
    const { project, after, key } = order;
    try {
      const named = await this.#below(path);
      if (named !== undefined && below !== undefined)
        throw new HostingError("Server.InternalError", `${path} stands on another file already`);
      const before = await this.#before(project, after);
      const disk = await programs.open({ path, format: "qcow2", key, below }, { isReadOnly: true });
      try {
        const read = await readDisk(disk.contents, {
          codec: new ChunkCodec(key),
          before,
          put: async (_chunk, blob) => void (await chunks.store(project, blob)),
          onProgress,
        });
        const manifest: DiskManifest = {
          sizeBytes: disk.contents.sizeBytes,
          chunkBytes: diskChunkBytes,
          chunks: read.chunks,
          digests: read.digests,
          ...(key !== undefined && { isSealed: true }),
        };
        const stored = await chunks.store(project, JSON.stringify(manifest));
        return { manifest: stored, newBytes: read.newBytes };
      } finally {
        await disk.close();
      }
    } catch (thrown) {
      throw diskFault(`take the snapshot ${order.snapshot}`, thrown);
    }
  }

  /** The snapshot before; where that cannot be read any more, all is kept anew. */
  async #before(project: string, manifest: string | undefined): Promise<DiskManifest | undefined> {
    if (manifest === undefined) return undefined;
    try {
      return await this.#parts.chunks.manifest(project, manifest);
    } catch (thrown) {
      const { code } = thrown as { code?: unknown };
      if (code === "not-found" || code === "damaged") return undefined;
      throw thrown;
    }
  }

  #placeOf(storage: string | undefined): Place {
    const place = this.#parts.places.find((one) => one.storage === storage);
    if (place) return place;
    throw new HostingError("Server.InternalError", `This machine has no storage '${storage}'`);
  }
}

const projectOf = ({ project, manifestProject = project }: VolumeOrder) => manifestProject;
