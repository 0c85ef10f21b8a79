/**
 * Who makes a call, as policies see it. A project is an account: its number is made of twelve digits.
 * The native keys of a project and its root access key act as the account itself.
 */
export interface Principal {
  kind: "account" | "user" | "role" | "anonymous";
  /** The tenant; "" for anonymous callers. */
  project: string;
  accountId: string;
  /** "arn:aws:iam::123456789012:user/ann", or that of a session: "arn:aws:sts::…:assumed-role/NAME/SESSION". */
  arn: string;
  /** As "aws:userid" tells it. */
  userId: string;
  /** Name of the user or the role; "" else. */
  name: string;
  accessKeyId?: string;
  /** Of a role's session: the role itself. */
  roleArn?: string;
  /** Of the user, the role or the session, names in lower case. */
  tags?: Readonly<Record<string, string>>;
  /** Of a session: what it may at most, as policies in JSON, and when it ends. */
  sessionPolicies?: readonly string[];
  sessionName?: string;
  /** Who is behind a role's session, as whoever began it said; the sessions that come of it keep it. */
  sourceIdentity?: string;
  expiresAt?: number;
  issuedAt?: number;
}
