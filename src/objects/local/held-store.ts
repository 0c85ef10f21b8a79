import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { CanopyError } from "#/base/errors.ts";
import { nodeFiles } from "#/base/node/files.ts";
import type { HeldFile, HeldObjects } from "../held-objects.ts";
import { bigFileName } from "./big-files.ts";
import type { Catalog } from "./catalog.ts";
import { packName, type Packs } from "./packs.ts";
import type { Readers } from "./readers.ts";

/** What the store calls itself where large objects are in another cluster. */
export const storeNameFile = "store-name";

interface HeldParts {
  folder: string;
  catalog: Catalog;
  packs: Packs;
  readers: Readers;
  isElsewhere: boolean;
}

/**
 * Holds the store as it is at this moment. Packs only grow, so that their numbers and where the last one ends say all of it: the place
 * that the index has come to, before which everything is on disk. Files are never changed, and nothing is removed while this holds: each
 * that was referred to is still in the index, or in its trash, so that they can be looked up little by little. Those that
 * were written meanwhile under an earlier number may be among them: nothing refers to these, and a store removes them at its start.
 */
export function holdStore(parts: HeldParts): HeldObjects {
  const { folder, catalog, packs, readers, isElsewhere } = parts;
  const { pack: lastPack, at: lastEnd } = catalog.position;
  const ofPacks = packs.list().filter((pack) => pack <= lastPack);
  const wasTrash = new Set(catalog.files.trash());
  const { lastId } = catalog;
  const { objects, bytes } = catalog.total();
  const { holder, release } = readers.holdAll();

  const fileOf = (name: string, endBytes?: number): HeldFile => {
    if (holder.isLost) {
      throw new CanopyError(
        "no-space",
        "Cannot go on with the backup as what is removed meanwhile takes room until it is over: the disk is nearly full",
        { hint: "Write it to another disk, faster, or at a time when less is removed" },
      );
    }
    const path = join(folder, name);
    const found = statSync(path, { throwIfNoEntry: false });
    if (!found || found.size < (endBytes ?? 0)) return { name };
    const sizeBytes = endBytes ?? found.size;
    const content = nodeFiles.stream(path, { offset: 0, length: sizeBytes });
    return { name, found: { sizeBytes, content } };
  };

  async function* files(): AsyncGenerator<HeldFile> {
    if (existsSync(join(folder, storeNameFile))) yield fileOf(storeNameFile);
    for (const pack of ofPacks)
      yield fileOf(`packs/${packName(pack)}`, pack === lastPack ? lastEnd : undefined);
    if (isElsewhere) return;
    for (let after = 0; after < lastId;) {
      const numbers = catalog.files.above(after);
      for (const number of numbers)
        if (number <= lastId && !wasTrash.has(number)) yield fileOf(`files/${bigFileName(number)}`);
      after = numbers.at(-1) ?? lastId;
    }
  }

  return { objects, bytes, isElsewhere, files, release };
}
