/** What is listed in reports, how often, and where they go. */
export interface InventoryRule {
  isEnabled: boolean;
  /** Account that the target must belong to, when it was named. */
  targetAccountId?: string;
  targetBucket: string;
  targetPrefix?: string;
  encryption?: { mode: "AES256" } | { mode: "aws:kms"; kmsKeyId: string };
  prefix?: string;
  versions: "All" | "Current";
  frequency: "Daily" | "Weekly";
  /** Optional columns, in the order that they were asked for. */
  fields: readonly string[];
}
