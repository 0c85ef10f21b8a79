import { join } from "node:path";
import type { Files } from "#/base/files.ts";
import { limits } from "#/base/limits.ts";
import { ChunkCodec } from "#/model/disk-chunks.ts";
import { writeDisk } from "#/model/disk-copy.ts";
import type { DiskManifest } from "#/model/volume.ts";
import { baseFile, isMaking, makingFile, manifestOfBase, type Place } from "./place.ts";
import type { DiskPrograms } from "./programs.ts";
import { readQcow2Header } from "./qcow2.ts";
import type { StoredChunks } from "./stored-chunks.ts";

export interface BaseParts {
  files: Files;
  programs: DiskPrograms;
  chunks: StoredChunks;
  mark: string;
}

/**
 * What volumes of one snapshot begin as, once on a machine, or on storage that machines share: a raw file with holes, which
 * nothing writes to when it is made. A volume names its base before it looks for it, and a base is put aside before it is looked
 * whether one names it: so that none is removed from under a volume, and no lock is needed between machines.
 */
export class Bases {
  #parts: BaseParts;
  #making = new Map<string, Promise<void>>();
  #count = 0;

  constructor(parts: BaseParts) {
    this.#parts = parts;
  }

  /** Makes it where it is not there. A volume must name it by now. */
  async need(place: Place, project: string, key: string, manifest: DiskManifest): Promise<void> {
    const path = baseFile(place, key);
    const making = this.#making.get(path);
    if (making) return making;
    const made = this.#make(path, project, manifest).finally(() => this.#making.delete(path));
    this.#making.set(path, made);
    return made;
  }

  async #make(path: string, project: string, manifest: DiskManifest): Promise<void> {
    const { files, programs, chunks, mark } = this.#parts;
    if (await files.stat(path)) return;
    const aside = makingFile(path, mark, ++this.#count);
    try {
      await programs.create({ path: aside, format: "raw" }, { sizeBytes: manifest.sizeBytes });
      const disk = await programs.open({ path: aside, format: "raw" }, { isReadOnly: false });
      try {
        await writeDisk(disk.contents, manifest, {
          codec: plain,
          fetch: (key) => chunks.fetch(project, key, blobBytesMax(manifest)),
        });
      } finally {
        await disk.close();
      }
      await programs.sync(aside);
      await files.rename(aside, path);
    } catch (thrown) {
      await files.remove(aside);
      throw thrown;
    }
  }

  /** Removes those that no volume stands on. */
  async sweep(place: Place): Promise<void> {
    const { files, mark } = this.#parts;
    const before = await this.#named(place);
    for (const name of await files.list(place.bases)) {
      const manifest = manifestOfBase(name);
      const path = join(place.bases, name);
      if (manifest === undefined || before.has(manifest) || this.#making.has(path)) continue;
      const aside = makingFile(path, mark, ++this.#count);
      await files.rename(path, aside);
      if ((await this.#named(place)).has(manifest)) await files.rename(aside, path);
      else await files.remove(aside);
    }
  }

  /** Manifests whose bases volumes stand on, those among them that are being made. */
  async #named({ volumes }: Place): Promise<Set<string>> {
    const { files } = this.#parts;
    const named = new Set<string>();
    for (const name of await files.list(volumes)) {
      const header = await readQcow2Header(files, join(volumes, name));
      const manifest = header?.below === undefined ? undefined : manifestOfBase(header.below);
      if (manifest !== undefined) named.add(manifest);
    }
    return named;
  }
}

/** Removes what was being made when its agent ended. */
export async function sweepMaking(
  files: Files,
  folder: string,
  { mark, nowMs }: { mark: string; nowMs: number },
): Promise<void> {
  for (const name of await files.list(folder)) {
    if (!isMaking(name)) continue;
    const path = join(folder, name);
    const { modifiedMs = nowMs } = (await files.stat(path)) ?? {};
    if (isMaking(name, mark) || nowMs - modifiedMs > limits.diskMakingKeptMs)
      await files.remove(path);
  }
}

const plain = new ChunkCodec(undefined);

/** What cannot be compressed is a little longer then. */
export const blobBytesMax = ({ chunkBytes }: DiskManifest) => chunkBytes + chunkBytes / 128 + 1024;
