import type { Clock } from "#/base/clock.ts";
import { CanopyError } from "#/base/errors.ts";
import type { Random } from "#/base/random.ts";
import type { AccessKeyRecord } from "#/model/access-key.ts";
import type { ProjectRecord } from "#/model/access.ts";
import { accountIdOf } from "#/model/account.ts";
import { iamArn, iamName, type IamRoleRecord, type IamUserRecord } from "#/model/iam.ts";
import type { Principal } from "#/model/principal.ts";
import type { Space, Transaction } from "#/space/space.ts";
import {
  authorize,
  type Decision,
  type IdentityPolicies,
  type Question,
} from "../policies/authorize.ts";
import { refuse } from "../signatures/refusals.ts";
import type { Credential, Credentials } from "../signatures/verify.ts";
import { newAccessKeyId, newSecretAccessKey } from "./new-ids.ts";
import { PolicyBook } from "./policies-of.ts";
import { lowerNames, Sessions, type SessionAsked, type SessionKeys } from "./sessions.ts";

/** Keeps secrets so that only this cloud can read them again: Access does. */
export interface Sealer {
  seal(plain: string, about: string): string;
  unseal(sealed: string, about: string): string;
}

interface Known {
  record: AccessKeyRecord;
  project: ProjectRecord | undefined;
  user: IamUserRecord | undefined;
  credential: Credential;
  /** Since this control plane started. */
  used?: { at: number; service: string };
}

/** Who there is to the AWS doors: accounts, which are projects, and what their access keys act as. */
export class Identities implements Credentials {
  #space: Space;
  #sealer: Sealer;
  #clock: Pick<Clock, "now">;
  #random: Random;
  #known = new Map<string, Known>();
  #projects = new Map<string, string>();
  #policies: PolicyBook;
  #sessions: Sessions;

  constructor(parts: { space: Space; sealer: Sealer; clock: Pick<Clock, "now">; random: Random }) {
    this.#space = parts.space;
    this.#sealer = parts.sealer;
    this.#clock = parts.clock;
    this.#random = parts.random;
    this.#policies = new PolicyBook(parts.space);
    this.#sessions = new Sessions({ ...parts, acting: this });
    parts.space.onApplied((changes) => {
      for (const { op, record } of changes) {
        if (record.kind === "project") this.#projects.clear();
        if (record.kind === "access-key" && op === "delete") this.#known.delete(record.name);
      }
    });
  }

  /** The number of a project's account. Throws "not-found" when there is no such project. */
  accountIdOf(project: string): string {
    return accountIdOf(this.#project(project));
  }

  /** The project of an account's number, if there is one. */
  projectOf(accountId: string): string | undefined {
    if (this.#projects.size === 0)
      for (const record of this.#space.all("project"))
        this.#projects.set(accountIdOf(record), record.name);
    return this.#projects.get(accountId);
  }

  /** A project's account itself, which may do everything in it. */
  account(project: string, accessKeyId?: string): Principal {
    const accountId = this.accountIdOf(project);
    return {
      kind: "account",
      project,
      accountId,
      arn: `arn:aws:iam::${accountId}:root`,
      userId: accountId,
      name: "",
      ...(accessKeyId !== undefined && { accessKeyId }),
    };
  }

  /** A user of a project, by its record. */
  user({ project, spec }: IamUserRecord, accessKeyId?: string): Principal {
    const accountId = this.accountIdOf(project);
    return {
      kind: "user",
      project,
      accountId,
      arn: iamArn("iam-user", accountId, spec),
      userId: spec.id,
      name: spec.name,
      ...(spec.tags && { tags: lowerNames(spec.tags) }),
      ...(accessKeyId !== undefined && { accessKeyId }),
    };
  }

  /** A session of a role. */
  session({ project, spec }: IamRoleRecord, sessionName: string): Principal {
    const accountId = this.accountIdOf(project);
    return {
      kind: "role",
      project,
      accountId,
      arn: `arn:aws:sts::${accountId}:assumed-role/${spec.name}/${sessionName}`,
      roleArn: iamArn("iam-role", accountId, spec),
      userId: `${spec.id}:${sessionName}`,
      name: spec.name,
      sessionName,
      ...(spec.tags && { tags: lowerNames(spec.tags) }),
    };
  }

  /** The policies of a user or of a role, with those of its groups. */
  policiesOf(principal: Principal): IdentityPolicies {
    return this.#policies.of(principal);
  }

  /** Whether a principal may do something, by all policies that bear on it: see authorize(). */
  authorize(question: Question): Decision {
    return authorize(question, this.#policies.of, this.#clock.now());
  }

  /** Keys of a session: nothing of it is kept. */
  makeSession(asked: SessionAsked): SessionKeys {
    return this.#sessions.make(asked, this.#clock.now());
  }

  find(accessKeyId: string, sessionToken: string | undefined, service: string): Credential {
    if (accessKeyId.startsWith("ASIA"))
      return this.#sessions.find(accessKeyId, sessionToken, service, this.#clock.now());
    const record = this.#space.get("access-key", accessKeyId);
    if (!record?.spec.isActive) throw refuse.unknownKey(service, accessKeyId);
    if (sessionToken !== undefined) throw refuse.invalidToken(service);
    const project = this.#space.get("project", record.project);
    const { user: userName } = record.spec;
    const user =
      userName === undefined
        ? undefined
        : this.#space.get("iam-user", iamName(record.project, userName));
    if (!project || (userName !== undefined && !user))
      throw refuse.unknownKey(service, accessKeyId);
    const known = this.#known.get(accessKeyId);
    if (known?.record === record && known.project === project && known.user === user)
      return known.credential;
    const principal = user
      ? this.user(user, accessKeyId)
      : this.account(record.project, accessKeyId);
    const credential = { principal, secret: this.secretOf(record) };
    this.#known.set(accessKeyId, { record, project, user, credential });
    return credential;
  }

  used(accessKeyId: string, service: string): void {
    const known = this.#known.get(accessKeyId);
    if (known) known.used = { at: this.#clock.now(), service };
  }

  /** When a key was last used, as far as this control plane has seen since it started. */
  lastUsed(accessKeyId: string): { at: number; service: string } | undefined {
    return this.#known.get(accessKeyId)?.used;
  }

  /** The secret is told with the answer only: when the commit is durable. */
  makeAccessKey(
    tx: Transaction,
    asked: { project: string; user?: string; title?: string },
  ): { record: AccessKeyRecord; secret: string } {
    const { project, ...about } = asked;
    let name = newAccessKeyId("AKIA", this.#random);
    while (tx.get("access-key", name)) name = newAccessKeyId("AKIA", this.#random);
    const secret = newSecretAccessKey(this.#random);
    const record = tx.put<"access-key">({
      kind: "access-key",
      project,
      name,
      spec: {
        ...about,
        sealedSecret: this.#sealer.seal(secret, sealedFor(name)),
        createdAt: this.#clock.now(),
        isActive: true,
      },
      status: {},
    });
    return { record, secret };
  }

  /** What signs for a project's account: the oldest of its own keys that is active, made when there is none. */
  accountKey(tx: Transaction, project: string): { record: AccessKeyRecord; secret: string } {
    for (const record of this.#space.all("access-key")) {
      if (record.project !== project || record.spec.user !== undefined) continue;
      if (record.spec.isActive) return { record, secret: this.secretOf(record) };
    }
    return this.makeAccessKey(tx, { project, title: "account" });
  }

  secretOf({ name, spec }: AccessKeyRecord): string {
    return this.#sealer.unseal(spec.sealedSecret, sealedFor(name));
  }

  #project(name: string): ProjectRecord {
    const record = this.#space.get("project", name);
    if (record) return record;
    throw new CanopyError("not-found", `Cannot find the account of the project '${name}'`);
  }
}

const sealedFor = (accessKeyId: string) => `access key ${accessKeyId}`;
