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

/** What one turn has come to; what it waits for when something is left. */
interface Done {
  freedBytes: number;
  waitsFor?: string;
}

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
    for (const { name } of going) await this.#tend(name);
    const deleted = Map.groupBy(space.all("snapshot-removal"), ({ project }) => project);
    for (const [project, removals] of deleted) await this.#tendSnapshots(project, removals);
  }

  /** All of a project together, as it is in all of its records who names them. */
  async #tendSnapshots(project: string, all: readonly SnapshotRemovalRecord[]): Promise<void> {
    const { space, log, isSure } = this.#parts;
    const going: SnapshotRemovalRecord[] = [];
    for (const one of all) if (await this.#mayGo(one)) going.push(one);
    if (going.length === 0) return;
    const manifests = [...new Set(going.map(({ spec }) => spec.manifest))];
    const { freedBytes, waitsFor } = await this.#remove(project, { manifests, blobs: [] });
    if (!isSure() || waitsFor !== undefined) return;
    space.commit((tx) => {
      for (const { name } of going) tx.delete("snapshot-removal", name);
    });
    const what = counted(going.length, "deleted snapshot");
    log.info(`removed what only ${what} named: ${briefSize(freedBytes)}`, { project });
  }

  /** Its list is as new as the last of its chunks. A volume that was made of it names all of them for as long as it is there. */
  async #mayGo({ project, spec: { manifest } }: SnapshotRemovalRecord): Promise<boolean> {
    const { space, blobs } = this.#parts;
    for (const { spec } of space.all("volume"))
      if (spec.origin?.manifest === manifest && spec.origin.project === project) return false;
    return (await blobs.isUntouched(project, manifest, limits.orphanUntouchedMs)) !== false;
  }

  async #tend(name: string): Promise<void> {
    const { space, isSure } = this.#parts;
    const image = space.get("image", name);
    const removal = image?.status.removal;
    if (!removal) return;
    const done = await this.#remove(image.project, removal);
    if (!isSure()) return;
    const freedBytes = removal.freedBytes + done.freedBytes;
    space.commit((tx) => {
      const now = tx.get("image", name);
      if (!now?.status.removal) return;
      // Somebody may have added to it meanwhile.
      const isMore = sizeOf(now.status.removal) > sizeOf(removal);
      if (isMore || done.waitsFor !== undefined) note(tx, now, { ...done, freedBytes });
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

  async #remove(
    project: string,
    { manifests, blobs }: Pick<ImageRemoval, "manifests" | "blobs">,
  ): Promise<Done> {
    const { clock, isSure, blobs: store } = this.#parts;
    const first = new Set(blobs);
    for (const manifest of manifests)
      for (const chunk of await this.#chunksOf(project, manifest)) first.add(chunk);
    const keys = [...first, ...manifests];
    // Who names them is in all records: nobody looks there while none is old enough to go.
    if (!(await this.#isAnyOld(project, keys))) return { freedBytes: 0, waitsFor: newlyTouched };
    let freedBytes = 0;
    let touched = 0;
    for (let at = 0; at < keys.length; at += limits.orphanedBlobsAtOnce) {
      const batch = keys.slice(at, at + limits.orphanedBlobsAtOnce);
      const lookedAt = clock.now();
      const unnamed = await this.#unnamed(project, batch);
      if (!Array.isArray(unnamed)) return { freedBytes, ...unnamed };
      for (const key of unnamed) {
        const mustStay = touched > 0 && manifests.includes(key);
        if (mustStay || !isSure()) continue;
        // What was named since then was touched a grace time before that at the earliest, however long this takes.
        const lookedMs = Math.max(0, clock.now() - lookedAt);
        const untouchedMs = limits.orphanUntouchedMs + lookedMs;
        const gone = await store.removeUntouched(project, key, untouchedMs);
        if (gone === "touched") touched++;
        else freedBytes += gone?.sizeBytes ?? 0;
      }
    }
    return touched === 0 ? { freedBytes } : { freedBytes, waitsFor: newlyTouched };
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

const sizeOf = ({ manifests, blobs }: ImageRemoval) => manifests.length + blobs.length;

/** Only what is news: it is looked again each hour. */
function note(tx: Transaction, image: ImageRecord, { freedBytes, waitsFor }: Done): void {
  const before = image.status.removal!;
  if (freedBytes === before.freedBytes && waitsFor === before.waitsFor) return;
  const { manifests, blobs } = before;
  const removal = { manifests, blobs, freedBytes, ...(waitsFor !== undefined && { waitsFor }) };
  tx.put<"image">({ ...image, status: { ...image.status, removal } });
}
