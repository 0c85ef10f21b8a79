import type { Readable } from "node:stream";
import type { Clock } from "#/base/clock.ts";
import type { Random } from "#/base/random.ts";
import type {
  BucketUse,
  DeleteResult,
  ListAsked,
  Listed,
  ObjectPlace,
  ObjectSource,
  ObjectStore,
  PutOptions,
  PutResult,
} from "../object-store.ts";
import type { HeldObjects } from "../held-objects.ts";
import type { DeleteMarker, ObjectVersion } from "../object-version.ts";
import type { Catalog } from "./catalog.ts";
import { Changes } from "./changes.ts";
import type { Compaction } from "./compaction.ts";
import { bucketNotEmpty } from "./errors.ts";
import type { Intake } from "./intake.ts";
import type { Journal } from "./journal.ts";
import { startOf, type Lists } from "./listing.ts";
import type { Lookup } from "./lookup.ts";
import { idOfVersion } from "./names.ts";
import { Naming, type Turn } from "./naming.ts";
import type { ObjectReader } from "./object-reader.ts";
import type { DamagedObject, Scrubber } from "./scrubber.ts";
import { Departures } from "./departures.ts";
import type { OneAtATime } from "#/base/one-at-a-time.ts";
import type { Uploads } from "./uploads.ts";

/** What the store is made of: see open.ts. */
export interface StoreParts {
  clock: Pick<Clock, "now">;
  random: Pick<Random, "bytes">;
  catalog: Catalog;
  journal: Journal;
  intake: Intake;
  lookup: Lookup;
  lists: Lists;
  turns: OneAtATime;
  reader: ObjectReader;
  uploads: Uploads;
  compaction: Compaction;
  scrubber: Scrubber;
  hold(): HeldObjects;
  requireSpace(): void;
  close(): Promise<void>;
}

/**
 * Objects on the disk of this machine. What depends on the versions that a key has is decided when it is the key's turn, and the
 * next one has its turn when that is on disk and in the index.
 */
export class LocalStore implements ObjectStore {
  #parts: StoreParts;
  #changes: Changes;
  #naming: Naming;
  #departures = new Departures();

  constructor(parts: StoreParts) {
    this.#parts = parts;
    const turn: Turn = (place, work) => this.#turn(place, work);
    this.#changes = new Changes({ ...parts, turn });
    this.#naming = new Naming({ ...parts, turn });
  }

  put(place: ObjectPlace, source: ObjectSource, options: PutOptions): Promise<PutResult> {
    return this.#naming.put(place, source, options);
  }

  find(place: ObjectPlace, versionId?: string): ObjectVersion | DeleteMarker | undefined {
    const { lookup } = this.#parts;
    if (versionId === undefined) {
      const row = lookup.newest(place);
      return row && lookup.version(row, true);
    }
    const row = lookup.named(place, versionId);
    return row && lookup.version(row, lookup.newest(place)?.id === row.id);
  }

  read(
    place: ObjectPlace,
    version: ObjectVersion,
    asked: { range?: { start: number; end: number }; key?: Uint8Array },
  ): Promise<Uint8Array | Readable> {
    return this.#parts.reader.read(place, version, asked);
  }

  lend(
    place: ObjectPlace,
    version: ObjectVersion,
    asked: { range?: { start: number; end: number }; key?: Uint8Array },
  ): Promise<Uint8Array | AsyncIterable<Uint8Array>> {
    return this.#parts.reader.lend(place, version, asked);
  }

  delete(...[place, asked]: Parameters<ObjectStore["delete"]>): Promise<DeleteResult> {
    return this.#naming.delete(place, asked);
  }

  mark(...[place, versionId, marks, asked = {}]: Parameters<ObjectStore["mark"]>) {
    return this.#changes.mark(place, versionId, marks, asked);
  }

  transition(...asked: Parameters<ObjectStore["transition"]>) {
    return this.#changes.transition(...asked);
  }

  async list(bucket: string, asked: ListAsked): Promise<Listed<ObjectVersion>> {
    const { catalog, lists, lookup } = this.#parts;
    const number = catalog.bucket(bucket)?.number;
    if (number === undefined) return { entries: [], commonPrefixes: [] };
    const { rows, commonPrefixes, next } = lists.current(number, asked);
    return {
      entries: rows.map((row) => lookup.version(row, true) as ObjectVersion),
      commonPrefixes,
      ...(next && { next: { after: next.after } }),
    };
  }

  async listVersions(
    bucket: string,
    asked: ListAsked,
  ): Promise<Listed<ObjectVersion | DeleteMarker>> {
    const { catalog, lists, lookup } = this.#parts;
    const number = catalog.bucket(bucket)?.number;
    if (number === undefined) return { entries: [], commonPrefixes: [] };
    const { after, afterVersionId } = asked;
    const isWithin = after !== undefined && afterVersionId !== undefined;
    const belowId = isWithin
      ? (idOfVersion(afterVersionId) ?? lookup.null({ bucket, key: after })?.id)
      : undefined;
    // A "null" that is gone meanwhile no longer says where it was: its key begins anew.
    const start = isWithin ? { key: after, belowId } : startOf(asked);
    const { rows, commonPrefixes, next } = lists.versions(number, asked, start);
    let before = belowId === undefined ? undefined : after;
    const entries = rows.map((row) => {
      const isLatest = row.key !== before;
      before = row.key;
      return lookup.version(row, isLatest);
    });
    if (!next) return { entries, commonPrefixes };
    const last = entries.at(-1);
    const isVersion = next.id !== undefined && last !== undefined;
    return {
      entries,
      commonPrefixes,
      next: { after: next.after, ...(isVersion && { afterVersionId: last.versionId }) },
    };
  }

  beginUpload(...asked: Parameters<ObjectStore["beginUpload"]>) {
    return this.#departures.during(asked[0].bucket, () => this.#parts.uploads.begin(...asked));
  }

  async findUpload(...asked: Parameters<ObjectStore["findUpload"]>) {
    return this.#parts.uploads.find(...asked);
  }

  putPart(...asked: Parameters<ObjectStore["putPart"]>) {
    return this.#parts.uploads.putPart(...asked);
  }

  async listParts(...asked: Parameters<ObjectStore["listParts"]>) {
    return this.#parts.uploads.listParts(...asked);
  }

  completeUpload(...asked: Parameters<ObjectStore["completeUpload"]>): Promise<PutResult> {
    return this.#naming.completeUpload(...asked);
  }

  abortUpload(...[place, uploadId]: Parameters<ObjectStore["abortUpload"]>) {
    return this.#turn(place, () => this.#parts.uploads.abort(place, uploadId));
  }

  async listUploads(...asked: Parameters<ObjectStore["listUploads"]>) {
    return this.#parts.uploads.list(...asked);
  }

  use(bucket: string): BucketUse {
    const { objects = 0, bytes = 0 } = this.#parts.catalog.bucket(bucket) ?? {};
    return { objects, bytes };
  }

  async removeBucket(bucket: string): Promise<void> {
    const { catalog, lists, uploads, journal } = this.#parts;
    await this.#departures.leave(bucket);
    try {
      const number = catalog.bucket(bucket)?.number;
      if (number === undefined) return;
      if (!lists.isEmpty(number)) throw bucketNotEmpty();
      await uploads.abortAll(bucket);
      await journal.commit({ op: "forget", bucket });
    } catch (thrown) {
      this.#departures.stay(bucket);
      throw thrown;
    }
  }

  /** Writes anew what counts of packs of which at most `shareMin` does. Runs by itself now and then. */
  async compact(asked: { shareMin: number }): Promise<void> {
    await this.#parts.compaction.run(asked);
  }

  /** Reads everything once more, as fast as the disk allows; gives what is damaged. Runs by itself, slowly, now and then. */
  async scrub(): Promise<DamagedObject[]> {
    await this.#parts.scrubber.run({ isPaced: false });
    return this.#parts.scrubber.damaged();
  }

  /** All that is kept at this moment: what was acknowledged, and nothing that is not on disk. */
  hold(): HeldObjects {
    return this.#parts.hold();
  }

  /** Waits for what is under way, and closes the files. */
  close(): Promise<void> {
    return this.#parts.close();
  }

  #turn<T>({ bucket, key }: ObjectPlace, work: () => Promise<T>): Promise<T> {
    return this.#departures.during(bucket, () => this.#parts.turns.run(`${bucket} ${key}`, work));
  }
}
