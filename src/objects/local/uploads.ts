import { hash } from "node:crypto";
import type { Clock } from "#/base/clock.ts";
import { limits } from "#/base/limits.ts";
import type { Random } from "#/base/random.ts";
import { AwsError } from "#/model/aws-error.ts";
import type {
  ObjectPlace,
  ObjectSource,
  ObjectStore,
  PutOptions,
  PutResult,
  Upload,
  UploadedPart,
} from "../object-store.ts";
import type { Checksum, ObjectVersion, Versioning } from "../object-version.ts";
import type { Catalog } from "./catalog.ts";
import { impliedBy, joinChecksums } from "./checksum-of-parts.ts";
import { bodyOf, uploadBodyOf } from "./describe.ts";
import {
  badDigest,
  entityTooSmall,
  invalidPart,
  invalidPartOrder,
  noSuchUpload,
} from "./errors.ts";
import type { Intake } from "./intake.ts";
import type { Journal } from "./journal.ts";
import { startOf, type Lists } from "./listing.ts";
import { partOf, type Lookup } from "./lookup.ts";
import { idOfVersion, nameOf } from "./names.ts";
import type { Kill } from "./record.ts";
import type { PartRow, UploadRow, VersionRow } from "./rows.ts";
import type { OneAtATime } from "#/base/one-at-a-time.ts";

interface UploadParts {
  clock: Pick<Clock, "now">;
  random: Pick<Random, "bytes">;
  catalog: Catalog;
  journal: Journal;
  intake: Intake;
  lookup: Lookup;
  lists: Lists;
  turns: OneAtATime;
  requireSpace(): void;
}

/** Objects that come in parts. A part is kept as it came; completing names those that were chosen, and copies nothing. */
export class Uploads {
  #parts: UploadParts;

  constructor(parts: UploadParts) {
    this.#parts = parts;
  }

  async begin(
    { bucket, key }: ObjectPlace,
    options: Omit<Upload, "uploadId" | "key" | "startedMs">,
  ): Promise<Upload> {
    const { catalog, random, clock, journal, requireSpace } = this.#parts;
    requireSpace();
    const id = catalog.newId();
    const upload = { ...options, uploadId: nameOf(id, random), startedMs: clock.now() };
    const body = uploadBodyOf(upload);
    await journal.commit({ op: "begin", bucket, key, id, body });
    return uploadOf({ key, body });
  }

  find(place: ObjectPlace, uploadId: string): Upload | undefined {
    const row = this.#parts.lookup.upload(place, uploadId);
    return row && uploadOf(row);
  }

  async putPart(
    place: ObjectPlace,
    uploadId: string,
    number: number,
    source: ObjectSource,
    options: Pick<
      PutOptions,
      "sizeBytes" | "checksum" | "contentMd5" | "contentSha256" | "encryption"
    >,
  ): Promise<UploadedPart> {
    const { intake, catalog, journal, lookup, clock, turns, requireSpace } = this.#parts;
    const { bucket, key } = place;
    requireSpace();
    this.#require(place, uploadId);
    const taken = await intake.take(source, options);
    try {
      // In the turn of the key: an upload that is completed takes no more parts.
      const part = await turns.run(`${bucket} ${key}`, async () => {
        const { id: owner } = this.#require(place, uploadId);
        const replaced = lookup.part(owner, number);
        const { piece, etag, checksum, payload } = taken;
        const modifiedMs = clock.now();
        const body = JSON.stringify({ etag, checksum, modifiedMs });
        const kills = replaced && [killOfPart(bucket, replaced)];
        const id = catalog.newId();
        const record = { op: "part", bucket, key, owner, number, id, body, piece, kills } as const;
        await journal.commit(record, payload);
        return { number, sizeBytes: piece.size, etag, modifiedMs, ...(checksum && { checksum }) };
      });
      intake.settled(taken);
      return part;
    } catch (thrown) {
      if (thrown instanceof AwsError) await intake.discard(taken);
      throw thrown;
    }
  }

  listParts(
    place: ObjectPlace,
    uploadId: string,
    { after = 0, max }: { after?: number; max: number },
  ): { parts: UploadedPart[]; next?: number } {
    const { id } = this.#require(place, uploadId);
    const rows = this.#parts.lookup.parts(id, after, max + 1);
    const parts = rows.slice(0, max).map(partOf);
    const last = parts.at(-1);
    return { parts, ...(rows.length > max && last && { next: last.number }) };
  }

  /** In the turn of the key. `replaced` is the version whose place it takes. */
  async complete(
    place: ObjectPlace,
    uploadId: string,
    asked: readonly { number: number; etag: string; checksum?: string }[],
    options: {
      versioning: Versioning;
      checksum?: Checksum;
      sizeBytes?: number;
      replaced: VersionRow | undefined;
    },
  ): Promise<PutResult> {
    const { catalog, random, clock, journal, lookup } = this.#parts;
    const { bucket, key } = place;
    const { replaced } = options;
    const row = this.#require(place, uploadId);
    const upload = uploadOf(row);
    const present = lookup.parts(row.id, 0, Number.MAX_SAFE_INTEGER);
    const chosen = choose(asked, present);
    const size = chosen.reduce((sum, part) => sum + part.size, 0);
    if (options.sizeBytes !== undefined && options.sizeBytes !== size) {
      const message = "The provided 'x-amz-mp-object-size' header does not match what was computed";
      throw new AwsError("InvalidRequest", 400, message);
    }
    const parts = chosen.map(partOf);
    const checksum = await joinChecksums(upload.checksum ?? impliedBy(parts), parts);
    if (options.checksum && checksum && options.checksum.value !== checksum.value)
      throw badDigest(checksum.algorithm);
    const id = catalog.newId();
    const versionId = options.versioning === "enabled" ? nameOf(id, random) : "null";
    const body = bodyOf(
      {
        versionId,
        modifiedMs: clock.now(),
        sizeBytes: size,
        etag: etagOf(chosen),
        checksum,
        encryption: upload.encryption,
        uploadId,
      },
      upload,
    );
    const isChosen = new Set(chosen.map(({ number }) => number));
    const kills: Kill[] = [
      ...(replaced ? [lookup.killOf(bucket, replaced)] : []),
      ...present
        .filter(({ number }) => !isChosen.has(number))
        .map((one) => killOfPart(bucket, one)),
      { bucket, key, upload: row.id, packs: [row.pack] },
    ];
    await journal.commit({ op: "name", bucket, key, id, body, size, owner: row.id, kills });
    const now = lookup.byId(place, id)!;
    return {
      version: lookup.version(now, true) as ObjectVersion,
      replacedBytes: replaced?.size ?? 0,
    };
  }

  /** In the turn of the key. */
  async abort(place: ObjectPlace, uploadId: string): Promise<void> {
    await this.#abort(place, this.#require(place, uploadId));
  }

  async #abort({ bucket, key }: ObjectPlace, { id, pack }: UploadRow): Promise<void> {
    const { journal, lookup } = this.#parts;
    const packs = [pack, ...lookup.packsOf(id)];
    await journal.commit({
      op: "kill",
      kills: [{ bucket, key, upload: id, packs, isAborted: true }],
    });
  }

  /** Of a bucket that goes. */
  async abortAll(bucket: string): Promise<void> {
    for (;;) {
      const { uploads } = this.list(bucket, { max: limits.listKeysMax });
      if (uploads.length === 0) return;
      for (const { key, uploadId } of uploads) {
        const place = { bucket, key };
        await this.#parts.turns.run(`${bucket} ${key}`, async () => {
          const row = this.#parts.lookup.upload(place, uploadId);
          if (row) await this.#abort(place, row);
        });
      }
    }
  }

  list(
    bucket: string,
    asked: Parameters<ObjectStore["listUploads"]>[1],
  ): Awaited<ReturnType<ObjectStore["listUploads"]>> {
    const { catalog, lists } = this.#parts;
    const number = catalog.bucket(bucket)?.number;
    if (number === undefined) return { uploads: [], commonPrefixes: [] };
    const { after, afterUploadId } = asked;
    const aboveId = afterUploadId === undefined ? undefined : idOfVersion(afterUploadId);
    const start =
      after !== undefined && aboveId !== undefined
        ? { key: after, belowId: aboveId }
        : startOf(asked);
    const { rows, commonPrefixes, next } = lists.uploads(number, asked, start);
    const uploads = rows.map(uploadOf);
    const last = next?.id === undefined ? "" : (uploads.at(-1)?.uploadId ?? "");
    return {
      uploads,
      commonPrefixes,
      ...(next && { next: { after: next.after, afterUploadId: last } }),
    };
  }

  #require(place: ObjectPlace, uploadId: string): UploadRow {
    const row = this.#parts.lookup.upload(place, uploadId);
    if (!row) throw noSuchUpload(uploadId);
    return row;
  }
}

function uploadOf({ key, body }: Pick<UploadRow, "key" | "body">): Upload {
  return { ...(JSON.parse(body) as Omit<Upload, "key">), key };
}

/** The parts that were asked for, which must be there, as told, in order, and large enough but for the last. */
function choose(
  asked: readonly { number: number; etag: string; checksum?: string }[],
  present: readonly PartRow[],
): PartRow[] {
  const byNumber = new Map(present.map((part) => [part.number, part]));
  let before = 0;
  const chosen: PartRow[] = [];
  for (const { number, etag, checksum } of asked) {
    if (number <= before) throw invalidPartOrder();
    before = number;
    const row = byNumber.get(number);
    if (!row) throw invalidPart(number);
    const part = partOf(row);
    if (part.etag !== etag) throw invalidPart(number);
    if (checksum !== undefined && part.checksum && part.checksum.value !== checksum)
      throw invalidPart(number);
    chosen.push(row);
  }
  for (const { number, size } of chosen.slice(0, -1)) {
    if (size < limits.uploadPartBytesMin)
      throw entityTooSmall(number, size, limits.uploadPartBytesMin);
  }
  return chosen;
}

/** MD5 of the MD5s of the parts, and how many they are. */
function etagOf(parts: readonly PartRow[]): string {
  const digests = parts.map((row) => Buffer.from(partOf(row).etag, "hex"));
  return `${hash("md5", Buffer.concat(digests))}-${parts.length}`;
}

function killOfPart(bucket: string, { owner, number, id, pack }: PartRow): Kill {
  return { bucket, part: number, owner, id, packs: [pack] };
}
