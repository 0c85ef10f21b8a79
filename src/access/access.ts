import type { Clock } from "#/base/clock.ts";
import { CanopyError } from "#/base/errors.ts";
import type { Files } from "#/base/files.ts";
import { newId } from "#/base/ids.ts";
import { limits } from "#/base/limits.ts";
import { randomText, type Random } from "#/base/random.ts";
import type { Caller, KeyRecord, ProjectRecord, Role } from "#/model/access.ts";
import { iamName } from "#/model/iam.ts";
import { hasJobEnded } from "#/model/job.ts";
import type { AnyRecord, Change } from "#/model/record.ts";
import type { Space, Transaction } from "#/space/space.ts";
import { joinMachine, type Joining } from "./join.ts";
import {
  cloudIdOf,
  digestOf,
  isJoinToken,
  isSameDigest,
  jobKeyOf,
  jobOfKey,
  secretOf,
} from "./keys.ts";
import { loadSecrets, type Secrets, type SharedSecrets } from "./secrets.ts";
import { Vault, type MasterKeys } from "./vault.ts";

export const defaultProject = "default";

export interface AccessParts {
  folder: string;
  files: Files;
  space: Space;
  clock: Clock;
  random: Random;
  /** Where all control planes of one log agree on their secrets; absent for one alone. */
  shared?: SharedSecrets | undefined;
  /** What seals secrets in the end; the signing secret when absent. */
  masters?: MasterKeys | undefined;
}

/** Who you are and what you may do: the root token, API keys, keys of jobs and of machines, join tokens. */
export class Access {
  #space: Space;
  #clock: Clock;
  #random: Random;
  #secrets: Secrets;
  #rootDigest: string;
  #vault: Vault;
  /** Live keys and machines by the digest of their secret. */
  #holders = new Map<string, { kind: "key" | "machine"; name: string }>();

  private constructor(parts: Omit<AccessParts, "folder" | "files"> & { secrets: Secrets }) {
    this.#space = parts.space;
    this.#clock = parts.clock;
    this.#random = parts.random;
    this.#secrets = parts.secrets;
    this.#rootDigest = digestOf(parts.secrets.rootToken);
    this.#vault = new Vault({ ...parts, signing: parts.secrets.signing });
    for (const record of parts.space.all("key")) this.#learn(record);
    for (const record of parts.space.all("machine")) this.#learn(record);
    parts.space.onApplied((changes) => this.#follow(changes));
  }

  /**
   * Reads, or makes at first start, the root token and the signing secret in `folder` (files that
   * only their owner may read), and the project "default".
   */
  static async open(parts: AccessParts): Promise<Access> {
    const access = await Access.follow(parts);
    await access.begin();
    return access;
  }

  /** The same over a space that another control plane may lead: `begin()` comes when this one does. */
  static async follow({
    folder,
    files,
    space,
    clock,
    random,
    shared,
    masters,
  }: AccessParts): Promise<Access> {
    const secrets = await loadSecrets(folder, files, random, shared);
    return new Access({ space, clock, random, secrets, masters });
  }

  /**
   * Makes the project "default" when there is none, and the vault's first key. Commits at once; resolves when that is
   * durable. Throws "forbidden" where the master key is another one.
   */
  async begin(): Promise<void> {
    this.#vault.begin();
    if (this.#space.get("project", defaultProject)) return this.#space.durable();
    await this.#space.commit((tx) =>
      this.createProject(tx, { name: defaultProject, title: "Default", weight: 1 }),
    ).durable;
  }

  get rootToken(): string {
    return this.#secrets.rootToken;
  }

  /** Tells this cloud from all others, and no secret: what it marks things at a site with. */
  get cloudId(): string {
    return cloudIdOf(this.#secrets.signing);
  }

  /** A secret as a record may hold it. What was sealed for one thing opens for no other. */
  seal(plain: string, about: string): string {
    return this.#vault.seal(plain, about);
  }

  /** What was sealed. Throws CanopyError "forbidden" when another cloud did it. */
  unseal(sealed: string, about: string): string {
    return this.#vault.unseal(sealed, about);
  }

  /** Who shows this secret. Throws "unauthenticated" when nobody (any more) may. */
  authenticate(secret: string): Caller {
    const digest = digestOf(secret);
    if (isSameDigest(digest, this.#rootDigest))
      return { name: "root", project: defaultProject, role: "root" };
    const holder = this.#holders.get(digest);
    if (holder?.kind === "machine") {
      return { name: holder.name, project: defaultProject, role: "viewer", machine: holder.name };
    }
    if (holder) return this.#callerOfKey(holder.name);
    const job = jobOfKey(secret, this.#secrets.signing);
    if (job !== undefined) return this.#callerOfJob(job);
    if (isJoinToken(secret)) {
      throw refused(
        "a join token only lets a machine join",
        "On that machine: canopy join URL --token TOKEN",
      );
    }
    throw refused("no such key is known", "Is it for this cloud? See: canopy context list");
  }

  #callerOfKey(name: string): Caller {
    const { project, spec } = this.#space.get("key", name)!;
    if (spec.expiresAt !== undefined && spec.expiresAt <= this.#clock.now()) {
      throw refused(
        `it expired at ${new Date(spec.expiresAt).toISOString()}`,
        "Ask for a new one: canopy key create",
      );
    }
    const { role, user } = spec;
    if (user === undefined) return { name, project, role };
    if (!this.#space.get("iam-user", iamName(project, user)))
      throw refused(`its user '${user}' is gone`);
    return { name, project, role, user };
  }

  #callerOfJob(name: string): Caller {
    const job = this.#space.get("job", name);
    if (!job || hasJobEnded(job)) throw refused(`the job ${name} has ended`);
    return { name: `job ${name}`, project: job.project, role: "submitter", job: name };
  }

  /** What code inside a job calls back with, for as long as the job runs. */
  jobKey(job: string): string {
    return jobKeyOf(job, this.#secrets.signing);
  }

  createProject(
    tx: Transaction,
    asked: { name: string; title: string; weight: number },
  ): ProjectRecord {
    if (tx.get("project", asked.name)) {
      throw new CanopyError(
        "conflict",
        `Cannot make the project '${asked.name}' as there is one of that name`,
      );
    }
    const { name, title, weight } = asked;
    return tx.put({
      kind: "project",
      project: name,
      name,
      spec: { title, weight, createdAt: this.#clock.now() },
      status: {},
    });
  }

  /** What a new secret is made of: kept with the answer of a call, it lets the same call be answered again. */
  newNonce(): string {
    return randomText(this.#random, 32);
  }

  /** The secret that was made of a nonce. */
  secretOf(kind: "key" | "join" | "machine", nonce: string): string {
    return secretOf(kind, nonce, this.#secrets.signing);
  }

  /** The key itself is in the answer only: show it when the commit is durable. */
  createKey(
    tx: Transaction,
    asked: {
      project: string;
      title: string;
      role: Exclude<Role, "root">;
      user?: string;
      expiresAt?: number;
    },
    nonce = this.newNonce(),
  ): { record: KeyRecord; key: string } {
    const { project, ...spec } = asked;
    if (!tx.get("project", project))
      throw new CanopyError("not-found", `Cannot make a key as there is no project '${project}'`);
    const { user } = asked;
    if (user !== undefined && !tx.get("iam-user", iamName(project, user)))
      throw new CanopyError("not-found", `Cannot make a key as there is no user '${user}'`, {
        hint: "See them all: aws iam list-users",
      });
    const key = this.secretOf("key", nonce);
    const by = { clock: this.#clock, random: this.#random };
    const id = newId("k", by, (one) => tx.get("key", `${project}/${one}`) !== undefined);
    const name = `${project}/${id}`;
    const createdAt = this.#clock.now();
    const record = tx.put<"key">({
      kind: "key",
      project,
      name,
      spec: { ...spec, digest: digestOf(key), createdAt },
      status: {},
    });
    return { record, key };
  }

  /** A token that lets one machine join, once, within `lifeMs`: that of an order when it names one. */
  createJoinToken(
    tx: Transaction,
    asked: {
      labels?: Record<string, string>;
      site?: string;
      order?: string;
      lifeMs?: number;
    } = {},
    nonce = this.newNonce(),
  ): { token: string; expiresAt: number } {
    const { labels = {}, site = "", order, lifeMs = limits.joinTokenMs } = asked;
    const token = this.secretOf("join", nonce);
    const createdAt = this.#clock.now();
    const expiresAt = createdAt + lifeMs;
    for (const old of this.#space.list("join-token")) {
      if (old.spec.expiresAt < createdAt - limits.requestKeptMs) tx.delete("join-token", old.name);
    }
    const spec = { createdAt, expiresAt, labels, site, ...(order !== undefined && { order }) };
    tx.put({ kind: "join-token", project: "", name: digestOf(token), spec, status: {} });
    return { token, expiresAt };
  }

  /** Lets a machine in against its token. Throws "unauthenticated" for one that is wrong, expired or used. */
  join(tx: Transaction, asked: Joining, nonce = this.newNonce()): { machine: string; key: string } {
    const key = this.secretOf("machine", nonce);
    const machine = joinMachine(tx, asked, {
      tokenDigest: digestOf(asked.token),
      keyDigest: digestOf(key),
      now: this.#clock.now(),
    });
    return { machine, key };
  }

  #follow(changes: readonly Change[]): void {
    for (const { op, record } of changes) {
      if (record.kind !== "key" && record.kind !== "machine") continue;
      if (op === "put" || op === "restore") this.#learn(record);
      else this.#holders.delete(secretDigest(record));
    }
  }

  #learn(record: AnyRecord & { kind: "key" | "machine" }): void {
    this.#holders.set(secretDigest(record), { kind: record.kind, name: record.name });
  }
}

function secretDigest(record: AnyRecord & { kind: "key" | "machine" }): string {
  return record.kind === "key" ? record.spec.digest : record.spec.keyDigest;
}

function refused(reason: string, hint?: string): CanopyError {
  return new CanopyError(
    "unauthenticated",
    `Cannot accept this key as ${reason}`,
    hint === undefined ? {} : { hint },
  );
}
