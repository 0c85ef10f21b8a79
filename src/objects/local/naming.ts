import type { Clock } from "#/base/clock.ts";
import type { Random } from "#/base/random.ts";
import { AwsError } from "#/model/aws-error.ts";
import type {
  DeleteResult,
  ObjectPlace,
  ObjectSource,
  ObjectStore,
  PutOptions,
  PutResult,
  VersioningThen,
  WriteCondition,
} from "../object-store.ts";
import type { DeleteMarker, ObjectVersion, Versioning } from "../object-version.ts";
import type { Catalog } from "./catalog.ts";
import { bodyOf, markerBodyOf } from "./describe.ts";
import { isColdClass, type Intake, type Taken } from "./intake.ts";
import type { Journal } from "./journal.ts";
import { requireCondition, requireUnlocked } from "./judge.ts";
import type { Lookup } from "./lookup.ts";
import { nameOf } from "./names.ts";
import type { VersionRow } from "./rows.ts";
import type { Uploads } from "./uploads.ts";

/** Lets a key's work wait for its turn. */
export type Turn = <T>(place: ObjectPlace, work: () => Promise<T>) => Promise<T>;

interface NamingParts {
  clock: Pick<Clock, "now">;
  random: Pick<Random, "bytes">;
  catalog: Catalog;
  journal: Journal;
  intake: Intake;
  lookup: Lookup;
  uploads: Uploads;
  turn: Turn;
  requireSpace(): void;
}

/** Gives versions to keys, and takes them: each decided in the key's turn, by the versions that it then has. */
export class Naming {
  #parts: NamingParts;

  constructor(parts: NamingParts) {
    this.#parts = parts;
  }

  async put(place: ObjectPlace, source: ObjectSource, options: PutOptions): Promise<PutResult> {
    const { intake, requireSpace } = this.#parts;
    requireSpace();
    const isCold = isColdClass(options.storageClass);
    const taken = await intake.take(source, isCold ? { ...options, isCold } : options);
    try {
      const result = await this.#parts.turn(place, () => this.#name(place, taken, options));
      intake.settled(taken);
      return result;
    } catch (thrown) {
      // Anything else means that the record may be on disk: the next start knows.
      if (thrown instanceof AwsError) await intake.discard(taken);
      throw thrown;
    }
  }

  async #name(place: ObjectPlace, taken: Taken, options: PutOptions): Promise<PutResult> {
    const { catalog, random, clock, journal, lookup } = this.#parts;
    const { bucket, key } = place;
    const versioning = versioningOf(options);
    const replaced = this.#decide(place, versioning, options.condition);
    const id = catalog.newId();
    const versionId = versioning === "enabled" ? nameOf(id, random) : "null";
    const { etag, checksum, piece, payload } = taken;
    const encryption = options.encryption?.about;
    const body = bodyOf(
      {
        versionId,
        modifiedMs: clock.now(),
        sizeBytes: piece.size,
        etag,
        checksum,
        encryption,
      },
      options,
    );
    const kills = replaced && [lookup.killOf(bucket, replaced)];
    await journal.commit({ op: "put", bucket, key, id, body, piece, kills }, payload);
    const version = JSON.parse(body) as ObjectVersion;
    version.key = key;
    version.isLatest = true;
    return { version, replacedBytes: replaced?.size ?? 0 };
  }

  /** Judges the condition; gives the version whose place a new one takes. */
  #decide(
    place: ObjectPlace,
    versioning: Versioning,
    condition: WriteCondition | undefined,
  ): VersionRow | undefined {
    const { lookup, clock } = this.#parts;
    if (versioning === "enabled" && !condition) return undefined;
    const current = lookup.current(place);
    requireCondition(place.key, current, condition);
    if (versioning === "enabled") return undefined;
    const replaced = lookup.nullOf(place, current);
    if (replaced) requireUnlocked(replaced, clock.now());
    return replaced;
  }

  delete(
    place: ObjectPlace,
    asked: {
      versioning: VersioningThen;
      ownerId: string;
      versionId?: string;
      condition?: WriteCondition;
      mayBypassGovernance?: boolean;
    },
  ): Promise<DeleteResult> {
    const { versionId } = asked;
    return this.#parts.turn(place, () =>
      versionId === undefined ? this.#hide(place, asked) : this.#remove(place, versionId, asked),
    );
  }

  async #hide(
    place: ObjectPlace,
    asked: { versioning: VersioningThen; ownerId: string; condition?: WriteCondition },
  ): Promise<DeleteResult> {
    const { catalog, random, clock, journal, lookup } = this.#parts;
    const { bucket, key } = place;
    const { ownerId } = asked;
    const versioning = versioningOf(asked);
    const replaced = this.#decide(place, versioning, asked.condition);
    const removed = replaced && lookup.version(replaced, true);
    const kills = replaced && [lookup.killOf(bucket, replaced)];
    if (versioning === "off") {
      if (kills) await journal.commit({ op: "kill", kills });
      return removed ? { removed } : {};
    }
    const id = catalog.newId();
    const name = versioning === "enabled" ? nameOf(id, random) : "null";
    const body = markerBodyOf(name, clock.now(), ownerId);
    await journal.commit({ op: "name", bucket, key, id, body, size: 0, isMarker: true, kills });
    const marker = { ...(JSON.parse(body) as DeleteMarker), key, isLatest: true };
    return { marker, ...(removed && { removed }) };
  }

  async #remove(
    place: ObjectPlace,
    versionId: string,
    asked: { condition?: WriteCondition; mayBypassGovernance?: boolean },
  ): Promise<DeleteResult> {
    const { journal, lookup, clock } = this.#parts;
    const row = lookup.named(place, versionId);
    requireCondition(place.key, row?.isMarker ? undefined : row, asked.condition);
    if (!row) return {};
    requireUnlocked(row, clock.now(), asked);
    const removed = lookup.version(row, lookup.newest(place)?.id === row.id);
    await journal.commit({ op: "kill", kills: [lookup.killOf(place.bucket, row)] });
    return { removed };
  }

  completeUpload(
    ...[place, uploadId, parts, options]: Parameters<ObjectStore["completeUpload"]>
  ): Promise<PutResult> {
    return this.#parts.turn(place, () => {
      const versioning = versioningOf(options);
      const replaced = this.#decide(place, versioning, options.condition);
      const decided = { ...options, versioning, replaced };
      return this.#parts.uploads.complete(place, uploadId, parts, decided);
    });
  }
}

const versioningOf = ({ versioning }: { versioning: VersioningThen }): Versioning =>
  typeof versioning === "function" ? versioning() : versioning;
