import type { Clock } from "#/base/clock.ts";
import { newId } from "#/base/ids.ts";
import { limits } from "#/base/limits.ts";
import type { Random } from "#/base/random.ts";
import { AwsError } from "#/model/aws-error.ts";
import { isBucketName } from "#/model/bucket-name.ts";
import type { BucketRecord, BucketSpec, BucketStatus } from "#/model/bucket.ts";
import type { Change } from "#/model/record.ts";
import type { Space, Transaction } from "#/space/space.ts";
import type { ObjectStore } from "./object-store.ts";
import type { Versioning } from "./object-version.ts";

/** A bucket that is asked for. */
export interface NewBucket extends Partial<
  Pick<BucketSpec, "ownership" | "acl" | "tags" | "quotaBytes" | "quotaObjects">
> {
  name: string;
  project: string;
  accountId: string;
  region: string;
  hasObjectLock?: boolean;
}

/**
 * The buckets of all projects, as records. What is made or changed is durable when the promise resolves. Throws AwsError
 * with the code that S3 documents.
 */
export class Buckets {
  #space: Space;
  #store: Pick<ObjectStore, "use" | "removeBucket">;
  #clock: Clock;
  #random: Random;
  #byProject = new Map<string, Map<string, BucketRecord>>();

  constructor(parts: {
    space: Space;
    store: Pick<ObjectStore, "use" | "removeBucket">;
    clock: Clock;
    random: Random;
  }) {
    this.#space = parts.space;
    this.#store = parts.store;
    this.#clock = parts.clock;
    this.#random = parts.random;
    for (const record of parts.space.list("bucket")) this.#learn(record);
    parts.space.onApplied((changes) => this.#follow(changes));
  }

  /** The bucket of this name, whoever has it; undefined for one that is being deleted. */
  find(name: string): BucketRecord | undefined {
    const found = this.#space.get("bucket", name);
    return found?.status.isDeleting ? undefined : found;
  }

  /** Throws "NoSuchBucket" for one that is not there. */
  get(name: string): BucketRecord {
    const found = this.find(name);
    if (!found) throw noSuchBucket(name);
    return found;
  }

  /** Says at any moment which versions a bucket keeps, however old the record is. */
  versioningOf({ name, spec }: BucketRecord): () => Versioning {
    return () => {
      const now = this.#space.get("bucket", name)?.spec;
      return (now?.id === spec.id ? now : spec).versioning;
    };
  }

  /** Those of a project by name, as their bytes sort. */
  list(project: string): BucketRecord[] {
    return [...(this.#byProject.get(project)?.values() ?? [])]
      .filter(({ status }) => !status.isDeleting)
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** Buckets of all projects, in the order they were made; those being deleted too. */
  all(): Iterable<BucketRecord> {
    return this.#space.list("bucket");
  }

  /** Makes a bucket; see `make()`. */
  async create(asked: NewBucket): Promise<BucketRecord> {
    const { value, durable } = this.#space.commit((tx) => this.make(tx, asked));
    await durable;
    return value;
  }

  /**
   * Makes a bucket as S3 does since April 2023: nobody but its owner sees it, and ACLs mean nothing unless that is asked.
   * Throws "InvalidBucketName", "BucketAlreadyOwnedByYou", "BucketAlreadyExists" and "TooManyBuckets".
   */
  make(tx: Transaction, asked: NewBucket): BucketRecord {
    const { name, project, hasObjectLock, ...spec } = asked;
    if (!isBucketName(name)) throw invalidName(name);
    this.#store.use(""); // throws where nothing can be kept
    const there = tx.get("bucket", name);
    if (there) throw taken(there, project);
    if ((this.#byProject.get(project)?.size ?? 0) >= limits.bucketsMax) throw tooMany();
    const by = { clock: this.#clock, random: this.#random };
    const id = newId("b", by, (one) => this.#isTaken(one));
    return tx.put<"bucket">({
      kind: "bucket",
      project,
      name,
      spec: {
        ...spec,
        id,
        createdAt: this.#clock.now(),
        versioning: hasObjectLock ? "enabled" : "off",
        ...(hasObjectLock && { objectLock: {} }),
        ownership: asked.ownership ?? "BucketOwnerEnforced",
        publicAccessBlock: allBlocked,
      },
      status: {},
    });
  }

  /** Gives a bucket what `change` makes of its spec, as that is at this moment. Throws what `change` throws. */
  async change(
    { name, spec: { id } }: BucketRecord,
    change: (spec: BucketSpec) => BucketSpec,
  ): Promise<BucketRecord> {
    const { value, durable } = this.#space.commit((tx) => {
      const record = tx.get("bucket", name);
      if (record?.spec.id !== id || record.status.isDeleting) throw noSuchBucket(name);
      const spec = JSON.parse(JSON.stringify(change(record.spec))) as BucketSpec; // as the log has it
      return tx.put<"bucket">({ ...record, spec });
    });
    await durable;
    return value;
  }

  /** Notes of a bucket what was done about it. Nothing happens when it is gone, or another has its name. */
  async note(
    { name, spec }: BucketRecord,
    change: (status: BucketStatus) => BucketStatus,
  ): Promise<void> {
    await this.#space.commit((tx) => {
      const record = tx.get("bucket", name);
      if (record?.spec.id === spec.id)
        tx.put<"bucket">({ ...record, status: change(record.status) });
    }).durable;
  }

  /**
   * Deletes a bucket that is empty. From the moment it is marked no call finds it, and what is under way into it finds that the
   * store has forgotten it: so no object is ever acknowledged that goes with its bucket. Throws "BucketNotEmpty".
   */
  async remove(bucket: BucketRecord): Promise<void> {
    const { name, spec } = bucket;
    if (this.#store.use(spec.id).objects > 0) throw notEmpty(bucket);
    const marked = this.#space.commit((tx) => {
      const record = tx.get("bucket", name);
      if (record?.spec.id !== spec.id || record.status.isDeleting) throw noSuchBucket(name);
      return tx.put<"bucket">({ ...record, status: { ...record.status, isDeleting: true } });
    });
    await marked.durable;
    await this.finishRemoving(marked.value);
  }

  /** Goes on with a removal that a crash has ended. Throws "BucketNotEmpty", and then the bucket is there again. */
  async finishRemoving(record: BucketRecord): Promise<void> {
    const { name, spec } = record;
    try {
      await this.#store.removeBucket(spec.id);
    } catch (thrown) {
      await this.note(record, ({ isDeleting: _, ...status }) => status);
      throw thrown instanceof AwsError && thrown.awsCode === "BucketNotEmpty"
        ? notEmpty(record)
        : thrown;
    }
    await this.#space.commit((tx) => {
      if (tx.get("bucket", name)?.spec.id === spec.id) tx.delete("bucket", name);
    }).durable;
  }

  #isTaken(id: string): boolean {
    for (const { spec } of this.all()) if (spec.id === id) return true;
    return false;
  }

  #follow(changes: readonly Change[]): void {
    for (const { op, record } of changes) {
      if (record.kind !== "bucket") continue;
      if (op === "put" || op === "restore") this.#learn(record);
      else this.#byProject.get(record.project)?.delete(record.name);
    }
  }

  #learn(record: BucketRecord): void {
    let own = this.#byProject.get(record.project);
    if (!own) this.#byProject.set(record.project, (own = new Map()));
    own.set(record.name, record);
  }
}

const allBlocked = {
  blockPublicAcls: true,
  ignorePublicAcls: true,
  blockPublicPolicy: true,
  restrictPublicBuckets: true,
};

export function noSuchBucket(name: string): AwsError {
  return new AwsError("NoSuchBucket", 404, "The specified bucket does not exist", {
    fields: { BucketName: name },
  });
}

function invalidName(name: string): AwsError {
  return new AwsError("InvalidBucketName", 400, "The specified bucket is not valid.", {
    fields: { BucketName: name },
  });
}

function taken({ name, project }: BucketRecord, asking: string): AwsError {
  const fields = { BucketName: name };
  return project === asking
    ? new AwsError(
        "BucketAlreadyOwnedByYou",
        409,
        "Your previous request to create the named bucket succeeded and you already own it.",
        { fields },
      )
    : new AwsError(
        "BucketAlreadyExists",
        409,
        "The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please select a different name and try again.",
        { fields },
      );
}

function notEmpty({ name, spec }: BucketRecord): AwsError {
  const versions = spec.versioning === "off" ? "" : ". You must delete all versions in the bucket.";
  return new AwsError(
    "BucketNotEmpty",
    409,
    `The bucket you tried to delete is not empty${versions}`,
    { fields: { BucketName: name } },
  );
}

function tooMany(): AwsError {
  return new AwsError(
    "TooManyBuckets",
    400,
    `You have attempted to create more buckets than allowed: a project has at most ${limits.bucketsMax}`,
  );
}
