import { createHash } from "node:crypto";
import type { Sealer } from "#/access/identities/identities.ts";
import type { ByteRange, Blobs } from "#/blobs/blobs.ts";
import type { Clock } from "#/base/clock.ts";
import { limits } from "#/base/limits.ts";
import type { Random } from "#/base/random.ts";
import { uuid } from "#/base/uuid.ts";
import { AwsError } from "#/model/aws-error.ts";
import type { FunctionEventConfig } from "#/model/function-event.ts";
import type {
  FunctionAliasRecord,
  FunctionAliasSpec,
  FunctionCode,
  FunctionConfig,
  FunctionRecord,
  FunctionSpec,
  FunctionVersionRecord,
} from "#/model/function.ts";
import type { Space, Transaction } from "#/space/space.ts";
import { reservedIn } from "./concurrency.ts";
import { functionArn } from "./target.ts";
import { unpackedBytesOf, type ZipSource } from "./zip.ts";

/** Name of a function's record. */
export const functionNameOf = (project: string, title: string) => `${project}:${title}`;

/** A configuration as it is asked for: what is told of each change is not. */
export type FunctionConfigAsked = Omit<FunctionConfig, "modifiedAt" | "revisionId">;

/** What of it changes; an environment that is undefined goes. */
export type FunctionChange = Partial<Omit<FunctionConfigAsked, "environment">> & {
  environment?: string | undefined;
};

/** What is not of one version; a reservation that is undefined goes. */
interface SharedChange {
  tags?: Readonly<Record<string, string>>;
  reservedConcurrency?: number | undefined;
  events?: Readonly<Record<string, FunctionEventConfig>>;
}

interface FunctionsParts {
  space: Space;
  blobs: Pick<Blobs, "put" | "get">;
  sealer: Sealer;
  clock: Pick<Clock, "now">;
  random: Random;
  region: string;
}

/**
 * Functions with their versions and aliases, as Lambda means them, kept as records; their code are blobs of the project. What
 * runs them is elsewhere. What is said is said of the state at once; it is durable when the space is. Throws AwsError as
 * Lambda documents it.
 */
export class Functions {
  #space: Space;
  #blobs: FunctionsParts["blobs"];
  #sealer: Sealer;
  #clock: Pick<Clock, "now">;
  #random: Random;
  #region: string;

  constructor(parts: FunctionsParts) {
    this.#space = parts.space;
    this.#blobs = parts.blobs;
    this.#sealer = parts.sealer;
    this.#clock = parts.clock;
    this.#random = parts.random;
    this.#region = parts.region;
  }

  find(project: string, title: string): FunctionRecord | undefined {
    return this.#space.get("function", functionNameOf(project, title));
  }

  /** Those of a project, by their names. */
  list(project: string): FunctionRecord[] {
    return [...this.#space.list("function")]
      .filter((record) => record.project === project)
      .sort((a, b) => (a.spec.title < b.spec.title ? -1 : 1));
  }

  arnOf({ spec: { accountId, title } }: FunctionRecord): string {
    return functionArn(this.#region, accountId, title);
  }

  version(of: FunctionRecord, version: string): FunctionVersionRecord | undefined {
    return this.#space.get("function-version", partName(of, version));
  }

  /** In the order in which they were published. */
  versionsOf({ name }: FunctionRecord): FunctionVersionRecord[] {
    return [...this.#space.list("function-version", name)];
  }

  alias(of: FunctionRecord, title: string): FunctionAliasRecord | undefined {
    return this.#space.get("function-alias", partName(of, title));
  }

  /** By their names. */
  aliasesOf({ name }: FunctionRecord): FunctionAliasRecord[] {
    return [...this.#space.list("function-alias", name)].sort((a, b) =>
      a.spec.title < b.spec.title ? -1 : 1,
    );
  }

  /** Throws "ResourceConflictException" where there is one of this name, and "CodeStorageExceededException". */
  create(
    project: string,
    asked: Omit<FunctionSpec, "createdAt" | "latest"> & { latest: FunctionConfigAsked },
  ): FunctionRecord {
    const name = functionNameOf(project, asked.title);
    return this.#space.commit((tx) => {
      if (tx.get("function", name)) throw conflict(`Function already exist: ${asked.title}`);
      this.#requireRoom(project, asked.latest.code.sizeBytes);
      return tx.put<"function">({
        kind: "function",
        project,
        name,
        spec: {
          ...asked,
          createdAt: this.#clock.now(),
          latest: this.#changed(asked.latest),
        },
        status: { versions: 0 },
      });
    }).value;
  }

  /** Changes what calls run from now on. Throws "PreconditionFailedException" where `revisionId` is not that of now. */
  change(of: FunctionRecord, config: FunctionChange, revisionId?: string): FunctionRecord {
    return this.#space.commit((tx) => {
      const now = this.#now(tx, of);
      requireRevision(now.spec.latest.revisionId, revisionId);
      if (config.code)
        this.#requireRoom(of.project, config.code.sizeBytes - now.spec.latest.code.sizeBytes);
      const { environment, ...rest } = { ...now.spec.latest, ...config };
      const latest = this.#changed({ ...rest, ...(environment !== undefined && { environment }) });
      return tx.put<"function">({ ...now, spec: { ...now.spec, latest } });
    }).value;
  }

  /**
   * Changes who else may call a function ("" for `qualifier`), a version or an alias: `change` is given the JSON of the policy, and gives
   * that of the next, undefined for none. Throws "PreconditionFailedException" where `revisionId` is not that of now.
   */
  changePolicy(
    of: FunctionRecord,
    qualifier: string,
    change: (policy: string | undefined) => string | undefined,
    revisionId?: string,
  ): void {
    this.#space.commit((tx) => {
      const now = this.#now(tx, of);
      requireRevision(this.policyRevision(now, qualifier), revisionId);
      const { [qualifier]: before, ...others } = now.spec.policies ?? {};
      const after = change(before);
      const policies = after === undefined ? others : { ...others, [qualifier]: after };
      const revised = uuid(this.#random);
      const isWhole = qualifier === "";
      const latest = isWhole ? { ...now.spec.latest, revisionId: revised } : now.spec.latest;
      tx.put<"function">({ ...now, spec: { ...now.spec, latest, policies } });
      const alias = isWhole ? undefined : this.alias(now, qualifier);
      if (alias)
        tx.put<"function-alias">({ ...alias, spec: { ...alias.spec, revisionId: revised } });
    });
  }

  /** The revision of what a policy hangs on; that of a version never changes. */
  policyRevision(of: FunctionRecord, qualifier: string): string {
    if (qualifier === "") return of.spec.latest.revisionId;
    const found = this.alias(of, qualifier)?.spec ?? this.version(of, qualifier)?.spec.config;
    return found?.revisionId ?? "";
  }

  /** Changes what all versions share; `spec` is given what is there now. */
  changeShared(of: FunctionRecord, change: (spec: FunctionSpec) => SharedChange): void {
    this.#space.commit((tx) => {
      const now = this.#now(tx, of);
      const { reservedConcurrency, ...spec } = { ...now.spec, ...change(now.spec) };
      const reserved = reservedConcurrency !== undefined && { reservedConcurrency };
      tx.put<"function">({ ...now, spec: { ...spec, ...reserved } });
    });
  }

  /**
   * What the function is now as a version that never changes; the last one again where nothing changed since. Throws
   * "PreconditionFailedException" where `revisionId` is not that of now, "InvalidParameterValueException" where `codeSha256` is not.
   */
  publish(
    of: FunctionRecord,
    asked: {
      description?: string | undefined;
      codeSha256?: string | undefined;
      revisionId?: string | undefined;
    } = {},
  ): FunctionVersionRecord {
    return this.#space.commit((tx) => {
      const now = this.#now(tx, of);
      const { latest, accountId } = now.spec;
      requireRevision(latest.revisionId, asked.revisionId);
      if (asked.codeSha256 !== undefined && asked.codeSha256 !== latest.code.sha256)
        throw invalidParameter(
          `CodeSHA256 (${asked.codeSha256.slice(0, 100)}) is different from current CodeSHA256 in $LATEST (${latest.code.sha256}). Please try again with the CodeSHA256 in $LATEST.`,
        );
      const last = tx.get("function-version", partName(of, String(now.status.versions)));
      if (last && isSameConfig(last.spec.config, latest)) return last;
      this.#requireRoom(of.project, latest.code.sizeBytes);
      const version = String(now.status.versions + 1);
      tx.put<"function">({ ...now, status: { versions: now.status.versions + 1 } });
      return tx.put<"function-version">({
        kind: "function-version",
        project: of.project,
        name: partName(of, version),
        spec: {
          accountId,
          version,
          publishedAt: this.#clock.now(),
          description: asked.description ?? latest.description,
          config: { ...latest, revisionId: uuid(this.#random) },
        },
        status: {},
      });
    }).value;
  }

  /** Throws "ResourceConflictException" while an alias leads to it. */
  removeVersion(of: FunctionRecord, { name, spec: { version } }: FunctionVersionRecord): void {
    const leading = this.aliasesOf(of)
      .filter(({ spec }) => spec.version === version || spec.weights?.[version] !== undefined)
      .map(({ spec }) => spec.title);
    if (leading.length > 0)
      throw conflict(
        `Version ${version} has aliases pointing to it: [${leading.slice(0, namedMax).join(", ")}]. Remove these aliases or point them to other versions, then delete this version.`,
      );
    this.#space.commit((tx) => {
      tx.delete("function-version", name);
      this.#dropParts(tx, of, version);
    });
  }

  /** Throws "ResourceConflictException" where there is one of this name. */
  createAlias(
    of: FunctionRecord,
    spec: Omit<FunctionAliasSpec, "accountId" | "revisionId">,
  ): FunctionAliasRecord {
    const name = partName(of, spec.title);
    return this.#space.commit((tx) => {
      const { accountId } = this.#now(tx, of).spec;
      if (tx.get("function-alias", name))
        throw conflict(`Alias already exists: ${this.arnOf(of)}:${spec.title}`);
      return tx.put<"function-alias">({
        kind: "function-alias",
        project: of.project,
        name,
        spec: { ...spec, accountId, revisionId: uuid(this.#random) },
        status: {},
      });
    }).value;
  }

  /** Throws "PreconditionFailedException" where `revisionId` is not that of now. */
  changeAlias(
    { name }: FunctionAliasRecord,
    change: Pick<FunctionAliasSpec, "description" | "version"> & {
      weights: FunctionAliasSpec["weights"] | undefined;
    },
    revisionId?: string,
  ): FunctionAliasRecord {
    return this.#space.commit((tx) => {
      const now = tx.get("function-alias", name)!;
      requireRevision(now.spec.revisionId, revisionId);
      const { weights, ...spec } = { ...now.spec, ...change, revisionId: uuid(this.#random) };
      return tx.put<"function-alias">({ ...now, spec: { ...spec, ...(weights && { weights }) } });
    }).value;
  }

  removeAlias(of: FunctionRecord, { name, spec }: FunctionAliasRecord): void {
    this.#space.commit((tx) => {
      tx.delete("function-alias", name);
      this.#dropParts(tx, of, spec.title);
    });
  }

  /** With its versions and aliases. */
  remove(of: FunctionRecord): void {
    this.#space.commit((tx) => {
      for (const { name } of this.versionsOf(of)) tx.delete("function-version", name);
      for (const { name } of this.aliasesOf(of)) tx.delete("function-alias", name);
      tx.delete("function", of.name);
    });
  }

  /** Environment variables as they are kept: nobody reads them on the disk. */
  sealEnvironment(
    project: string,
    title: string,
    variables: Readonly<Record<string, string>>,
  ): string | undefined {
    if (Object.keys(variables).length === 0) return undefined;
    return this.#sealer.seal(JSON.stringify(variables), sealedFor(project, title));
  }

  /** Environment variables of a function, or of what it was when a version was published. */
  environmentOf(
    { project, spec: { title } }: FunctionRecord,
    { environment }: FunctionConfig,
  ): Record<string, string> {
    if (environment === undefined) return {};
    return JSON.parse(this.#sealer.unseal(environment, sealedFor(project, title))) as Record<
      string,
      string
    >;
  }

  /** Keeps an archive, all of which was looked at. Throws BadZip, and "too-large" or "no-space" as blobs do. */
  async keepCode(project: string, zip: ZipSource): Promise<FunctionCode> {
    const unpackedBytes = await unpackedBytesOf(zip);
    const { key, sizeBytes } = await this.#blobs.put(project, await zip.read(0, zip.sizeBytes));
    const sha256 = Buffer.from(key, "hex").toString("base64");
    return { blob: key, sha256, sizeBytes, unpackedBytes };
  }

  /** What would be kept of an archive: all of it is looked at, nothing kept. */
  async codeOf(zip: ZipSource): Promise<FunctionCode> {
    const unpackedBytes = await unpackedBytesOf(zip);
    const hash = createHash("sha256");
    const given = await zip.read(0, zip.sizeBytes);
    for await (const bytes of given instanceof Uint8Array ? [given] : given) hash.update(bytes);
    const digest = hash.digest();
    return {
      blob: digest.toString("hex"),
      sha256: digest.toString("base64"),
      sizeBytes: zip.sizeBytes,
      unpackedBytes,
    };
  }

  /** The archive, in pieces as they are read; undefined where the blob is gone. */
  async code(project: string, { blob }: FunctionCode, range?: ByteRange) {
    return this.#blobs.get(project, blob, range);
  }

  /** Bytes of all code of a project, as Lambda counts it: each version has its own. */
  codeBytes(project: string): number {
    let bytes = 0;
    for (const function_ of this.#space.list("function")) {
      if (function_.project !== project) continue;
      bytes += function_.spec.latest.code.sizeBytes;
      for (const { spec } of this.#space.list("function-version", function_.name))
        bytes += spec.config.code.sizeBytes;
    }
    return bytes;
  }

  /** Calls at once that functions of a project keep for themselves. */
  reserved(project: string): number {
    return reservedIn(this.#space, project);
  }

  #requireRoom(project: string, bytes: number): void {
    if (bytes <= 0 || this.codeBytes(project) + bytes <= limits.functionCodeBytesMax) return;
    throw new AwsError("CodeStorageExceededException", 400, "Code storage limit exceeded.", {
      fields: { Type: "User" },
    });
  }

  #now(tx: Transaction, of: FunctionRecord): FunctionRecord {
    const now = tx.get("function", of.name);
    if (now) return now;
    // Somebody removed it since it was looked up.
    throw new AwsError("ResourceNotFoundException", 404, `Function not found: ${this.arnOf(of)}`, {
      fields: { Type: "User" },
    });
  }

  #changed(config: FunctionConfigAsked): FunctionConfig {
    return { ...config, modifiedAt: this.#clock.now(), revisionId: uuid(this.#random) };
  }

  /** What a version or an alias that goes has with its function. */
  #dropParts(tx: Transaction, { name }: FunctionRecord, qualifier: string): void {
    const now = tx.get("function", name);
    if (!now) return;
    const { [qualifier]: _policy, ...policies } = now.spec.policies ?? {};
    const { [qualifier]: _config, ...events } = now.spec.events ?? {};
    tx.put<"function">({ ...now, spec: { ...now.spec, policies, events } });
  }
}

const namedMax = 10;

const partName = ({ name }: FunctionRecord, part: string) => `${name}/${part}`;

const sealedFor = (project: string, title: string) =>
  `environment of the function ${functionNameOf(project, title)}`;

/** Whether calls of both run alike; what is told of changes is left out. */
function isSameConfig(a: FunctionConfig, b: FunctionConfig): boolean {
  const told = ({ modifiedAt: _at, revisionId: _id, ...config }: FunctionConfig) =>
    JSON.stringify(Object.entries(config).sort(([one], [other]) => (one < other ? -1 : 1)));
  return told(a) === told(b);
}

/** Throws "PreconditionFailedException" where somebody expects another revision than that of now. */
export function requireRevision(now: string, asked: string | undefined): void {
  if (asked === undefined || asked === now) return;
  throw new AwsError(
    "PreconditionFailedException",
    412,
    "The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to retrieve the latest Revision Id",
    { fields: { Type: "User" } },
  );
}

function conflict(message: string): AwsError {
  return new AwsError("ResourceConflictException", 409, message, { fields: { Type: "User" } });
}

function invalidParameter(message: string): AwsError {
  return new AwsError("InvalidParameterValueException", 400, message, { fields: { Type: "User" } });
}
