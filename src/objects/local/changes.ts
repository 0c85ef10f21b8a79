import type { Clock } from "#/base/clock.ts";
import { AwsError } from "#/model/aws-error.ts";
import type { ObjectPlace } from "../object-store.ts";
import type { ObjectMarks, ObjectVersion } from "../object-version.ts";
import { noSuchKey, noSuchVersion } from "./errors.ts";
import { isColdClass, type Intake } from "./intake.ts";
import type { Journal } from "./journal.ts";
import { requireRetention } from "./judge.ts";
import type { Lookup } from "./lookup.ts";
import type { ObjectReader } from "./object-reader.ts";
import type { VersionRow } from "./rows.ts";

interface ChangeParts {
  clock: Pick<Clock, "now">;
  journal: Journal;
  intake: Intake;
  lookup: Lookup;
  /** Lets a key's work wait for its turn. */
  turn<T>(place: ObjectPlace, work: () => Promise<T>): Promise<T>;
  reader: ObjectReader;
  requireSpace(): void;
}

/** What of a version changes after it was put: its marks, and how its bytes are kept. */
export class Changes {
  #parts: ChangeParts;

  constructor(parts: ChangeParts) {
    this.#parts = parts;
  }

  mark(
    place: ObjectPlace,
    versionId: string | undefined,
    marks: { [Name in keyof ObjectMarks]: ObjectMarks[Name] | null },
    asked: { mayBypassGovernance?: boolean },
  ): Promise<ObjectVersion> {
    return this.#parts.turn(place, async () => {
      const { journal, clock } = this.#parts;
      const row = this.#require(place, versionId);
      const version = JSON.parse(row.body) as Record<string, unknown> & ObjectMarks;
      if (marks.retention !== undefined)
        requireRetention(version.retention, marks.retention, clock.now(), asked);
      for (const [name, value] of Object.entries(marks)) {
        if (value === null) delete version[name];
        else if (value !== undefined) version[name] = value;
      }
      const body = JSON.stringify(version);
      await journal.commit({ op: "mark", ...place, id: row.id, body });
      return this.#told(place, row.id);
    });
  }

  async transition(
    place: ObjectPlace,
    versionId: string | undefined,
    storageClass: string,
  ): Promise<ObjectVersion> {
    const { journal, lookup, reader, intake, requireSpace } = this.#parts;
    const row = this.#require(place, versionId);
    const version = lookup.version(row, true) as ObjectVersion;
    const isCold = isColdClass(storageClass);
    const isKeptSo = isCold === isColdClass(version.storageClass);
    const bodyOf = ({ body }: VersionRow) =>
      JSON.stringify({ ...(JSON.parse(body) as ObjectVersion), storageClass });
    // What is encrypted cannot be opened here, and parts keep their places: only the name of the class changes.
    if (isKeptSo || version.encryption || row.owner > 0) {
      return this.#parts.turn(place, async () => {
        const now = this.#require(place, version.versionId);
        await journal.commit({ op: "mark", ...place, id: now.id, body: bodyOf(now) });
        return this.#told(place, now.id);
      });
    }
    requireSpace();
    // Written anew before the turn of the key, which a large object would hold up for long.
    const bytes = await reader.read(place, version, {});
    const taken = await intake.take(bytes, { sizeBytes: row.size, isCold });
    try {
      const told = await this.#parts.turn(place, async () => {
        const now = this.#require(place, version.versionId);
        if (now.id !== row.id) throw noSuchVersion(place.key, version.versionId); // "null", put anew
        const { piece, payload } = taken;
        await journal.commit(
          { op: "move", ...place, id: now.id, body: bodyOf(now), piece },
          payload,
        );
        return this.#told(place, now.id);
      });
      intake.settled(taken);
      return told;
    } catch (thrown) {
      if (thrown instanceof AwsError) await intake.discard(taken);
      throw thrown;
    }
  }

  /** As it is now, in the turn that changed it. */
  #told(place: ObjectPlace, id: number): ObjectVersion {
    const { lookup } = this.#parts;
    const row = lookup.byId(place, id)!;
    return lookup.version(row, lookup.newest(place)?.id === id) as ObjectVersion;
  }

  /** The row of a version that is an object. */
  #require(place: ObjectPlace, versionId: string | undefined): VersionRow {
    const { lookup } = this.#parts;
    const row = versionId === undefined ? lookup.newest(place) : lookup.named(place, versionId);
    if (!row || (row.isMarker && versionId === undefined)) {
      throw versionId === undefined ? noSuchKey(place.key) : noSuchVersion(place.key, versionId);
    }
    if (row.isMarker) {
      const message = "The specified method is not allowed against this resource.";
      throw new AwsError("MethodNotAllowed", 405, message, {
        headers: { "x-amz-delete-marker": "true" },
      });
    }
    return row;
  }
}
