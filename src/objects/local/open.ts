import { existsSync, mkdirSync, readFileSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "#/base/clock.ts";
import { messageOf } from "#/base/errors.ts";
import { limits } from "#/base/limits.ts";
import type { Log } from "#/base/log.ts";
import { nodeFiles } from "#/base/node/files.ts";
import { randomText, type Random } from "#/base/random.ts";
import type { BigBytes } from "../big-bytes.ts";
import { Applier } from "./apply.ts";
import { startUpkeep } from "./upkeep.ts";
import { Compaction } from "./compaction.ts";
import { Blocks } from "./blocks.ts";
import { HashThreads } from "./hashing.ts";
import { BigFiles } from "./big-files.ts";
import { Catalog } from "./catalog.ts";
import { noSpace } from "./errors.ts";
import { holdStore, storeNameFile } from "./held-store.ts";
import { Intake } from "./intake.ts";
import { Journal } from "./journal.ts";
import { Leftovers, UnderWay } from "./leftovers.ts";
import { Lists } from "./listing.ts";
import { Lookup } from "./lookup.ts";
import { ObjectReader } from "./object-reader.ts";
import { Packs, syncFolder } from "./packs.ts";
import { Readers } from "./readers.ts";
import { PieceReader } from "./reading.ts";
import { forgetRemovedPacks, replay, replayUntil, setIndexAside } from "./recovery.ts";
import { Scrubber } from "./scrubber.ts";
import { LocalStore } from "./store.ts";
import { OneAtATime } from "#/base/one-at-a-time.ts";
import { Uploads } from "./uploads.ts";

interface OpenParts {
  folder: string;
  clock: Clock;
  random: Pick<Random, "bytes">;
  report: Log;
  /** Called when what is on disk can no longer be known: must end the process. */
  onBroken: (error: unknown) => void;
  packBytesMax?: number;
  /** Where the bytes of large objects are, when not in the folder. */
  openBig?: OpenBig;
}

/** `owner` is what the store calls itself. */
export type OpenBig = (owner: string) => BigBytes;

/**
 * Opens the objects in a folder, and makes it if needed: `packs/` and `files/`, which are the truth, and `index.sqlite`,
 * which follows from them. What the end of the last process left undone is finished first.
 */
export async function openLocalStore(parts: OpenParts): Promise<LocalStore> {
  const { folder, clock, random, report } = parts;
  const { packBytesMax = limits.packBytesMax } = parts;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  for (const name of ["packs", "files"])
    await nodeFiles.makeFolder(join(folder, name), { durable: true });
  const packs = new Packs(join(folder, "packs"));
  const big = parts.openBig?.(storeName(folder, random)) ?? new BigFiles(join(folder, "files"));
  const underWay = new UnderWay();
  /** What replaying finds is removed when all of it is known. */
  const known: { leftovers?: Leftovers } = {};
  const onTrash = (number: number) => {
    known.leftovers?.removeOne(number).catch(() => undefined); // again later
  };
  const { catalog, applier } = await openIndex(parts, { packs, underWay, onTrash });
  forgetRemovedPacks({ packs, catalog, report });
  const readers = new Readers(onTrash, () => {
    known.leftovers?.remove().catch(() => undefined); // again later
  });
  const leftovers = new Leftovers({ catalog, big, underWay, readers });
  known.leftovers = leftovers;
  const removing = leftovers.remove().catch((thrown: unknown) => {
    report.warn("cannot remove what is left over of objects yet", {
      why: messageOf((thrown as Error).cause ?? thrown),
    });
  });
  if (!parts.openBig) await removing; // another cluster may take its time
  const file = await packs.appendTo(catalog.position.pack);
  const journal = new Journal({ ...parts, packs, catalog, applier, file, packBytesMax });
  const threads = new HashThreads();
  const newId = () => catalog.newId();
  const intake = new Intake({ big, blocks: new Blocks(), threads, random, underWay, newId });
  const lookup = new Lookup(catalog);
  const lists = new Lists(catalog.database);
  const turns = new OneAtATime();
  const pieces = new PieceReader({ packs, big });
  const reader = new ObjectReader({ lookup, pieces, readers, report });
  const requireSpace = spaceGuard(folder, clock, catalog, () => readers.giveUpAll());
  const shared = { clock, random, catalog, journal, intake, lookup, lists, turns, requireSpace };
  const uploads = new Uploads(shared);
  const compaction = new Compaction({ ...shared, packs, pieces, readers, report });
  const scrubber = new Scrubber({ catalog, pieces, clock, report });
  const upkeep = startUpkeep({ compaction, leftovers, scrubber, clock, report });
  const close = async () => {
    await upkeep.stop();
    await journal.close();
    catalog.close();
    packs.close();
    threads.close();
    big.close();
  };
  const isElsewhere = parts.openBig !== undefined;
  const hold = () => holdStore({ folder, catalog, packs, readers, isElsewhere });
  return new LocalStore({ ...shared, reader, uploads, compaction, scrubber, hold, close });
}

/** What this store calls itself, in a file of its own: made when first asked for. */
function storeName(folder: string, random: Pick<Random, "bytes">): string {
  const file = join(folder, storeNameFile);
  if (existsSync(file)) return readFileSync(file, "utf8").trim();
  const name = randomText(random, 16);
  writeFileSync(file, `${name}\n`, { mode: 0o600, flush: true });
  syncFolder(folder);
  return name;
}

/**
 * Makes the index of packs that were brought here from another store. Numbers go on far above: the other one has given some since,
 * and large objects with these are in a cluster `isElsewhere`, which are not to be taken for leftovers.
 */
export async function makeIndex(
  parts: Pick<OpenParts, "folder" | "clock" | "report" | "onBroken">,
  { isElsewhere }: { isElsewhere: boolean },
): Promise<{ objects: number; bytes: number }> {
  const packs = new Packs(join(parts.folder, "packs"));
  const { catalog } = await openIndex(parts, {
    packs,
    underWay: new UnderWay(),
    onTrash: () => undefined,
  });
  try {
    catalog.begin();
    catalog.seenId(catalog.newId() + limits.restoredObjectNumbers);
    if (isElsewhere) catalog.startSettling();
    return catalog.total();
  } finally {
    catalog.close();
    packs.close();
  }
}

/** An index that cannot be read, or does not fit the packs, is made anew. */
async function openIndex(
  { folder, clock, report, onBroken }: Pick<OpenParts, "folder" | "clock" | "report" | "onBroken">,
  parts: { packs: Packs; underWay: UnderWay; onTrash: (number: number) => void },
): Promise<{ catalog: Catalog; applier: Applier }> {
  const file = join(folder, "index.sqlite");
  const { packs, underWay, onTrash } = parts;
  const open = async () => {
    const catalog = new Catalog(file, {
      clock,
      onBroken,
      firstUnderWay: () => underWay.first,
      onRolledBack: (until) => replayUntil({ packs, catalog, applier }, until),
    });
    const applier = new Applier(catalog, onTrash);
    try {
      await replay({ packs, catalog, applier, report });
      return { catalog, applier };
    } catch (thrown) {
      catalog.abandon();
      throw thrown;
    }
  };
  try {
    return await open();
  } catch (thrown) {
    report.error("the index of objects cannot be used, and is made anew of the packs", {
      why: messageOf(thrown),
    });
    setIndexAside(file);
    return await open();
  }
}

/** Refuses what is new while the disk is nearly full, so that the index and the rest of the process have some left. */
function spaceGuard(
  folder: string,
  clock: Pick<Clock, "monotonicMs">,
  catalog: Catalog,
  onFull: () => void,
): () => void {
  let askedMs = -Infinity;
  let isFull = false;
  return () => {
    const now = clock.monotonicMs();
    if (now - askedMs > limits.objectSpaceCheckMs) {
      const { bavail, bsize } = statfsSync(folder);
      isFull = bavail * bsize < limits.diskFreeBytesMin;
      askedMs = now;
    }
    if (!isFull && !catalog.isFull) return;
    onFull();
    throw noSpace();
  };
}
