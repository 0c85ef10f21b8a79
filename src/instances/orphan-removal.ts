import type { Blobs } from "#/blobs/blobs.ts";
import { bytesOf } from "#/base/body.ts";
import type { Clock } from "#/base/clock.ts";
import { limits } from "#/base/limits.ts";
import type { Log } from "#/base/log.ts";
import { startLoop, type Loop } from "#/base/loop.ts";
import { readManifest } from "#/model/disk-chunks.ts";
import type { ImageRecord, ImageRemoval } from "#/model/image.ts";
import { briefSize, counted, hourMs } from "#/model/units.ts";
import type { SnapshotRemovalRecord } from "#/model/volume.ts";
import type { Space, Transaction } from "#/space/space.ts";
import { namedOf } from "./blob-names.ts";
import { decide } from "./decisions.ts";

export interface OrphanRemovalParts {
  space: Space;
  blobs: Pick<Blobs, "get" | "isUntouched" | "removeUntouched">;
  clock: Clock;
  log: Log;
  /** Whether this control plane leads beyond doubt. */
  isSure: () => boolean;
}

/** What one turn has come to. */
interface Done {
  freedBytes: number;
  /** Keys of blobs that somebody has put or asked for of late, and of lists whose chunks are such. */
  touched: ReadonlySet<string>;
  /** Why all of it waits. */
  waitsFor?: string;
}

/** Lists of chunks that are to go, by their keys. */
type Lists = ReadonlyMap<string, readonly string[]>;

/** Has the bytes removed of deleted snapshots, and of orphaned image data that somebody wants gone; the leader's alone. */
export function startOrphanRemoval(parts: OrphanRemovalParts): Loop {
  const { space, clock, log } = parts;
  let isStopped = false;
  const removal = new OrphanRemoval({ ...parts, isSure: () => !isStopped && parts.isSure() });
  const everyMs = limits.orphanLookMs;
  const loop = startLoop("orphaned image data", () => removal.turn(), { clock, log, everyMs });
  /** Of images, how much is to go: its own commits, by which that does not grow, are no reason to look again. */
  const asked = new Map<string, number>();
  const unsubscribe = space.onApplied((changes) => {
    for (const { op, record } of changes) {
      if (record.kind === "snapshot-removal" && op === "put") loop.wake();
      if (record.kind !== "image") continue;
      const { removal } = record.status;
      const count = removal ? sizeOf(removal) : 0;
      if (count > (asked.get(record.name) ?? 0)) loop.wake();
      if (count > 0) asked.set(record.name, count);
      else asked.delete(record.name);
    }
  });
  loop.wake(); // what was begun before a crash goes on
  return {
    wake: () => loop.wake(),
    stop() {
      isStopped = true;
      unsubscribe();
      loop.stop();
    },
  };
}

/**
 * Blobs are shared: an equal disk that is imported, a task that has the same output, all have the same one, and nobody counts who names
 * it. So a blob goes only when nothing is found that names it, and nobody has put or asked for it for a while: that is who may be about to
 * name it. What is to go is in the image's record, and goes in an order in which it can be begun again: chunks before the list that names them.
 */
export class OrphanRemoval {
  #parts: OrphanRemovalParts;

  constructor(parts: OrphanRemovalParts) {
    this.#parts = parts;
  }

  /** Removes what may go by now. */
  async turn(): Promise<void> {
    const { space } = this.#parts;
    const going = [...space.all("image")].filter(({ status }) => status.removal);
    const deleted = Map.groupBy(space.all("snapshot-removal"), ({ project }) => project);
    if (going.length + deleted.size === 0) return;
    const used = originsOf(space);
    for (const image of going) await this.#tend(image, used);
    for (const [project, removals] of deleted) await this.#tendSnapshots(project, removals, used);
  }

  /** As many together as one look through all records is good for: it is in all of a project's who names them. Each ends by itself. */
  async #tendSnapshots(
    project: string,
    removals: readonly SnapshotRemovalRecord[],
    used: ReadonlyMap<string, string>,
  ): Promise<void> {
    let lists = new Map<string, readonly string[]>();
    let count = 0;
    const flush = async () => {
      if (lists.size > 0) await this.#removeSnapshots(project, removals, lists);
      [lists, count] = [new Map(), 0];
    };
    for (const manifest of new Set(removals.map(({ spec }) => spec.manifest))) {
      // A volume that was made of it names all of its chunks for as long as it is there.
      if (used.has(originOf(project, manifest))) continue;
      // It is as new as the last of its chunks.
      if (!(await this.#isAnyOld(project, [manifest]))) continue;
      const chunks = await this.#chunksOf(project, manifest);
      if (!(await this.#isAnyOld(project, chunks))) continue;
      lists.set(manifest, chunks);
      count += chunks.length;
      if (count >= limits.orphanedBlobsAtOnce) await flush();
    }
    await flush();
  }

  async #removeSnapshots(
    project: string,
    removals: readonly SnapshotRemovalRecord[],
    lists: Lists,
  ): Promise<void> {
    const { space, log, isSure } = this.#parts;
    const { freedBytes, touched, waitsFor } = await this.#remove(project, lists, []);
    if (!isSure() || waitsFor !== undefined) return;
    const ended = removals.filter(
      ({ spec: { manifest } }) => lists.has(manifest) && !touched.has(manifest),
    );
    if (ended.length === 0) return;
    space.commit((tx) => {
      for (const { name } of ended) tx.delete("snapshot-removal", name);
    });
    const what = counted(ended.length, "deleted snapshot");
    log.info(`removed what only ${what} named: ${briefSize(freedBytes)}`, { project });
  }

  /** As it was when `used` was. */
  async #tend(image: ImageRecord, used: ReadonlyMap<string, string>): Promise<void> {
    const { space, isSure } = this.#parts;
    const { name, project } = image;
    const removal = image.status.removal!;
    const lists = new Map<string, readonly string[]>();
    let volume: string | undefined;
    for (const manifest of removal.manifests) {
      const user = used.get(originOf(project, manifest));
      if (user === undefined) lists.set(manifest, await this.#chunksOf(project, manifest));
      else volume ??= user;
    }
    const done = await this.#remove(project, lists, removal.blobs);
    if (!isSure()) return;
    const freedBytes = removal.freedBytes + done.freedBytes;
    const waitsFor =
      done.waitsFor ??
      (done.touched.size > 0 ? newlyTouched : undefined) ??
      (volume === undefined ? undefined : `${volume} was made of it`);
    space.commit((tx) => {
      const now = tx.get("image", name);
      if (!now?.status.removal) return;
      // Somebody may have added to it meanwhile.
      const isMore = sizeOf(now.status.removal) > sizeOf(removal);
      if (isMore || waitsFor !== undefined) note(tx, now, { freedBytes, waitsFor });
      else this.#end(tx, now, freedBytes);
    });
  }

  /** Of an image that instances are made of its record stays, as they name it. */
  #end(tx: Transaction, image: ImageRecord, freedBytes: number): void {
    const { space, clock, log } = this.#parts;
    const { name, project } = image;
    const { removal: _done, ...status } = image.status;
    const isUsed = [...space.all("instance")].some(({ spec }) => spec.image === name);
    if (isUsed) tx.put<"image">({ ...image, status });
    else tx.delete("image", name);
    const what = `removed the data that it had left: ${briefSize(freedBytes)}, which nothing else names`;
    log.info(`${name}: ${what}`);
    const why = ["somebody, or the policy, wanted it gone"];
    decide(tx, { project, name }, { at: clock.now(), action: "release", what, why });
  }

  async #remove(project: string, lists: Lists, blobs: readonly string[]): Promise<Done> {
    const { clock, isSure, blobs: store } = this.#parts;
    const touched = new Set<string>();
    const keys = [...new Set([...blobs, ...[...lists.values()].flat(), ...lists.keys()])];
    // Who names them is in all records: nobody looks there while none is old enough to go.
    if (!(await this.#isAnyOld(project, keys)))
      return { freedBytes: 0, touched, waitsFor: newlyTouched };
    let freedBytes = 0;
    for (let at = 0; at < keys.length; at += limits.orphanedBlobsAtOnce) {
      const batch = keys.slice(at, at + limits.orphanedBlobsAtOnce);
      const lookedAt = clock.now();
      const unnamed = await this.#unnamed(project, batch);
      if (!Array.isArray(unnamed)) return { freedBytes, touched, ...unnamed };
      for (const key of unnamed) {
        if (!isSure()) continue;
        if (lists.get(key)?.some((chunk) => touched.has(chunk))) {
          touched.add(key); // it is how the others are found
          continue;
        }
        // What was named since then was touched a grace time before that at the earliest, however long this takes.
        const lookedMs = Math.max(0, clock.now() - lookedAt);
        const untouchedMs = limits.orphanUntouchedMs + lookedMs;
        const gone = await store.removeUntouched(project, key, untouchedMs);
        if (gone === "touched") touched.add(key);
        else freedBytes += gone?.sizeBytes ?? 0;
      }
    }
    return { freedBytes, touched };
  }

  /** True also when all have gone: then nothing is waited for. */
  async #isAnyOld(project: string, keys: readonly string[]): Promise<boolean> {
    const { blobs } = this.#parts;
    let isAnyThere = false;
    for (const key of keys) {
      const isOld = await blobs.isUntouched(project, key, limits.orphanUntouchedMs);
      if (isOld) return true;
      isAnyThere ||= isOld === false;
    }
    return !isAnyThere;
  }

  /** Of these, those that may go. What nobody names any more must be so on disk, too. */
  async #unnamed(
    project: string,
    batch: readonly string[],
  ): Promise<string[] | { waitsFor: string }> {
    const { space, isSure } = this.#parts;
    const pending = [...space.all("snapshot"), ...space.all("image")].find(
      (one) => one.project === project && one.status.state === "pending",
    );
    // A snapshot takes chunks of the one before without asking for them, and what was put for an image is named much later.
    if (pending) return { waitsFor: `${pending.name} is being made` };
    const named = await namedOf(this.#parts, project, new Set(batch));
    await space.durable();
    if (!isSure()) return [];
    return batch.filter((key) => !named.has(key));
  }

  /** None of a list that has gone, or cannot be read. */
  async #chunksOf(project: string, manifest: string): Promise<string[]> {
    const { blobs, log } = this.#parts;
    const found = await blobs.get(project, manifest);
    if (!found) return [];
    const content = await bytesOf(found.content);
    try {
      return readManifest(content).chunks.filter((chunk) => chunk !== null);
    } catch {
      log.warn("chunks of a disk stay, as their list is damaged", { project, manifest });
      return [];
    }
  }
}

const newlyTouched = `blobs of it were put or asked for within ${limits.orphanUntouchedMs / hourMs} hours: somebody may be about to use them`;

/** Which volume was made of a list of chunks, for each that one was made of. */
function originsOf(space: Pick<Space, "all">): Map<string, string> {
  const used = new Map<string, string>();
  for (const { name, spec } of space.all("volume"))
    if (spec.origin) used.set(originOf(spec.origin.project, spec.origin.manifest), name);
  return used;
}

const originOf = (project: string, manifest: string) => `${project}/${manifest}`;

const sizeOf = ({ manifests, blobs }: ImageRemoval) => manifests.length + blobs.length;

/** Only what is news: it is looked again each hour. */
function note(
  tx: Transaction,
  image: ImageRecord,
  { freedBytes, waitsFor }: { freedBytes: number; waitsFor: string | undefined },
): void {
  const before = image.status.removal!;
  if (freedBytes === before.freedBytes && waitsFor === before.waitsFor) return;
  const { manifests, blobs } = before;
  const removal = { manifests, blobs, freedBytes, ...(waitsFor !== undefined && { waitsFor }) };
  tx.put<"image">({ ...image, status: { ...image.status, removal } });
}
