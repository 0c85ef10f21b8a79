import { limits } from "#/base/limits.ts";
import type { Random } from "#/base/random.ts";
import { iamName } from "#/model/iam.ts";
import type { Principal } from "#/model/principal.ts";
import type { Space } from "#/space/space.ts";
import { refuse } from "../signatures/refusals.ts";
import type { Credential } from "../signatures/verify.ts";
import type { Identities, Sealer } from "./identities.ts";
import { newAccessKeyId, newSecretAccessKey } from "./new-ids.ts";
import { documentOf } from "./policies-of.ts";

/**
 * Sessions are kept nowhere: the token that their holder shows says, sealed by this cloud, who it acts as, what it may at
 * most, and until when. So they outlive every restart; and as the role or the user is looked for with every use, they
 * end with it.
 */
export interface SessionAsked {
  project: string;
  /** Whom it acts as; "account" for the account itself. */
  as: { kind: "role" | "user"; name: string; id: string } | "account";
  /** Of a role's session, and of a federated user. */
  sessionName?: string;
  isFederated?: boolean;
  /** Of a role's session. */
  sourceIdentity?: string;
  policies?: readonly string[];
  /** ARNs of managed policies: as they are when it is used. */
  policyArns?: readonly string[];
  tags?: Readonly<Record<string, string>>;
  expiresAt: number;
}

interface Kept extends SessionAsked {
  accessKeyId: string;
  secret: string;
  issuedAt: number;
}

export interface SessionKeys {
  accessKeyId: string;
  secret: string;
  token: string;
  expiresAt: number;
}

interface Known {
  token: string;
  expiresAt: number;
  credential: Credential;
}

type Acting = Pick<Identities, "account" | "user" | "session">;

export class Sessions {
  #space: Space;
  #sealer: Sealer;
  #acting: Acting;
  #random: Random;
  #known = new Map<string, Known>();

  constructor(parts: { space: Space; sealer: Sealer; acting: Acting; random: Random }) {
    this.#space = parts.space;
    this.#sealer = parts.sealer;
    this.#acting = parts.acting;
    this.#random = parts.random;
    parts.space.onApplied((changes) => {
      if (changes.some(({ record: { kind } }) => kind.startsWith("iam-") || kind === "project"))
        this.#known.clear();
    });
  }

  make(asked: SessionAsked, issuedAt: number): SessionKeys {
    const accessKeyId = newAccessKeyId("ASIA", this.#random);
    const secret = newSecretAccessKey(this.#random);
    const kept: Kept = { ...asked, accessKeyId, secret, issuedAt };
    const token = this.#sealer.seal(JSON.stringify(kept), sealedFor(accessKeyId));
    return { accessKeyId, secret, token, expiresAt: asked.expiresAt };
  }

  /** Throws InvalidToken, ExpiredToken, or what other services call them. */
  find(accessKeyId: string, token: string | undefined, service: string, nowMs: number): Credential {
    if (token === undefined) throw refuse.unknownKey(service, accessKeyId);
    let known = this.#known.get(accessKeyId);
    if (known?.token !== token) {
      known = this.#open(accessKeyId, token, service);
      if (this.#known.size >= limits.sessionsKnownMax) this.#known.clear();
      this.#known.set(accessKeyId, known);
    }
    if (known.expiresAt <= nowMs) throw refuse.expiredToken(service);
    return known.credential;
  }

  #open(accessKeyId: string, token: string, service: string): Known {
    const kept = this.#read(accessKeyId, token);
    const actor = kept && this.#actorOf(kept);
    if (!actor) throw refuse.invalidToken(service);
    const { secret, expiresAt, issuedAt, policies = [], policyArns = [], project, tags } = kept;
    const { sourceIdentity } = kept;
    const managed = policyArns.map((arn) => documentOf(this.#space, project, arn) ?? nothing);
    const all = [...policies, ...managed];
    const principal: Principal = {
      ...actor,
      accessKeyId,
      expiresAt,
      issuedAt,
      ...((all.length > 0 || kept.isFederated) && {
        sessionPolicies: all.length > 0 ? all : [nothing],
      }),
      ...(sourceIdentity !== undefined && { sourceIdentity }),
      ...(tags && { tags: { ...actor.tags, ...lowerNames(tags) } }),
    };
    return { token, expiresAt, credential: { principal, secret } };
  }

  #read(accessKeyId: string, token: string): Kept | undefined {
    try {
      return JSON.parse(this.#sealer.unseal(token, sealedFor(accessKeyId))) as Kept;
    } catch {
      return undefined;
    }
  }

  /** Who it acts as, if that one is still there. */
  #actorOf({ project, as, sessionName = "", isFederated }: Kept): Principal | undefined {
    if (!this.#space.get("project", project)) return undefined;
    if (as === "account") {
      const account = this.#acting.account(project);
      return isFederated ? federated(account, sessionName) : account;
    }
    const name = iamName(project, as.name);
    if (as.kind === "role") {
      const role = this.#space.get("iam-role", name);
      return role?.spec.id === as.id ? this.#acting.session(role, sessionName) : undefined;
    }
    const user = this.#space.get("iam-user", name);
    if (user?.spec.id !== as.id) return undefined;
    const principal = this.#acting.user(user);
    return isFederated ? federated(principal, sessionName) : principal;
  }
}

/** A federated user has what its user has, as far as its session's policies go; that of an account has no user. */
function federated({ tags: _tags, ...principal }: Principal, sessionName: string): Principal {
  const { accountId } = principal;
  return {
    ...principal,
    kind: "user",
    arn: `arn:aws:sts::${accountId}:federated-user/${sessionName}`,
    userId: `${accountId}:${sessionName}`,
    sessionName,
  };
}

/** Allows nothing. */
const nothing = JSON.stringify({
  Version: "2012-10-17",
  Statement: [{ Effect: "Deny", NotAction: "*", Resource: "*" }],
});

export function lowerNames(tags: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(tags).map(([name, one]) => [name.toLowerCase(), one]));
}

const sealedFor = (accessKeyId: string) => `session ${accessKeyId}`;
