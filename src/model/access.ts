import type { QuotaSpec } from "./quota.ts";
import type { RecordOf } from "./record.ts";
import type { Slowed } from "./step.ts";

/** A tenant: jobs, blobs and keys belong to one. */
export type ProjectRecord = RecordOf<
  "project",
  { title: string; createdAt: number; weight: number } & QuotaSpec,
  object
>;

/** What a key may do: "viewer" reads, "submitter" also runs and cancels, "admin" all of its project, "root" all. */
export type Role = "viewer" | "submitter" | "admin" | "root";

/** An API key. The key itself is shown once; only its SHA-256 is kept. */
export type KeyRecord = RecordOf<"key", KeySpec, KeyStatus>;

export interface KeyStatus {
  /** Its jobs fail, one and all: it may begin one with so much time between. */
  readonly slowed?: Slowed;
}

/** What decisions about a key are named after; nothing else has such a name. */
export function keyDecisionsName(key: string): string {
  return `key:${key}`;
}

export interface KeySpec {
  title: string;
  role: Role;
  /** The user whose policies bound it, as the account knows it; absent where the role alone says what it may. */
  user?: string;
  /** SHA-256 in hexadecimal. */
  digest: string;
  createdAt: number;
  expiresAt?: number;
}

/** Lets one machine join, once. Its name is the SHA-256 of the token, so that the token itself is kept nowhere. */
export type JoinTokenRecord = RecordOf<
  "join-token",
  {
    createdAt: number;
    expiresAt: number;
    labels: Record<string, string>;
    /** Where the machine comes from; "" when nobody said. */ site?: string;
    /** The order that it was made for. */ order?: string;
  },
  { usedBy?: string; usedAt?: number }
>;

/** Who makes a call, and what that one may do. */
export interface Caller {
  /** The key's name, "root", or "job j…" for code that runs inside a job. */
  name: string;
  project: string;
  role: Role;
  /** Set for a key of a user: its policies must allow what the role does. */
  user?: string;
  /** Set for code that runs inside a job: it may touch that job only. */
  job?: string;
  /** Set for an agent: it may reach only what agents need. */
  machine?: string;
}
