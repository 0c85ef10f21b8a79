export type Permission = "FULL_CONTROL" | "WRITE" | "WRITE_ACP" | "READ" | "READ_ACP";

/** One grant of an ACL: to an account, by its canonical id, or to one of S3's groups. */
export interface Grant {
  to: { canonicalId: string } | { group: "AllUsers" | "AuthenticatedUsers" | "LogDelivery" };
  permission: Permission;
}

/** What S3 calls its groups. */
export const groupUris = {
  AllUsers: "http://acs.amazonaws.com/groups/global/AllUsers",
  AuthenticatedUsers: "http://acs.amazonaws.com/groups/global/AuthenticatedUsers",
  LogDelivery: "http://acs.amazonaws.com/groups/s3/LogDelivery",
} as const;
