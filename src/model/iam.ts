import type { RecordOf } from "./record.ts";

/**
 * Who there is in an account beside itself. Records are named `PROJECT/NAME` with the name in lower case, as two names of
 * IAM may not differ by case alone. Documents are policies as they came, JSON.
 */
export type IamUserRecord = RecordOf<"iam-user", IamUserSpec, object>;
export type IamGroupRecord = RecordOf<"iam-group", IamEntity, object>;
export type IamRoleRecord = RecordOf<"iam-role", IamRoleSpec, object>;
export type IamProfileRecord = RecordOf<"iam-instance-profile", IamProfileSpec, object>;
export type IamPolicyRecord = RecordOf<"iam-policy", IamPolicySpec, object>;

/** What users, groups and roles have in common. */
export interface IamEntity {
  /** As IAM makes them, never used twice: "AIDA…", "AGPA…", "AROA…". */
  id: string;
  /** As it was given. */
  name: string;
  /** "/" or "/one/more/". */
  path: string;
  createdAt: number;
  /** Documents by name. */
  inline: Readonly<Record<string, string>>;
  /** ARNs of managed policies. */
  attached: readonly string[];
}

export interface IamUserSpec extends IamEntity {
  /** Names of records, without the project. */
  groups: readonly string[];
  /** ARN of the managed policy that is its boundary. */
  boundary?: string;
  tags?: Readonly<Record<string, string>>;
}

export interface IamRoleSpec extends IamEntity {
  description?: string;
  /** Who may assume it. */
  trust: string;
  sessionSecondsMax: number;
  boundary?: string;
  tags?: Readonly<Record<string, string>>;
}

/** Hands one role to machines. */
export interface IamProfileSpec {
  /** "AIPA…" */
  id: string;
  name: string;
  path: string;
  createdAt: number;
  /** Name of the role's record, without the project. */
  role?: string;
  tags?: Readonly<Record<string, string>>;
}

export interface IamPolicySpec {
  /** "ANPA…" */
  id: string;
  name: string;
  path: string;
  description?: string;
  createdAt: number;
  updatedAt: number;
  versions: readonly { id: string; document: string; createdAt: number }[];
  /** "v3" */
  defaultVersion: string;
  /** How many versions there ever were. */
  versionsMade: number;
  tags?: Readonly<Record<string, string>>;
}

export const iamKinds = [
  "iam-user",
  "iam-group",
  "iam-role",
  "iam-policy",
  "iam-instance-profile",
] as const;

type IamKind = (typeof iamKinds)[number];

/** The name of a record. */
export function iamName(project: string, name: string): string {
  return `${project}/${name.toLowerCase()}`;
}

const words: Record<IamKind, string> = {
  "iam-user": "user",
  "iam-group": "group",
  "iam-role": "role",
  "iam-policy": "policy",
  "iam-instance-profile": "instance-profile",
};

/** "arn:aws:iam::123456789012:user/path/ann" */
export function iamArn(
  kind: IamKind,
  accountId: string,
  { path, name }: { path: string; name: string },
): string {
  return `arn:aws:iam::${accountId}:${words[kind]}${path}${name}`;
}
