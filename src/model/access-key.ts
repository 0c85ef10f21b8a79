import type { RecordOf } from "./record.ts";

/**
 * What signs requests to the AWS doors. Its name is its id ("AKIA…"), which is no secret. The secret must be known
 * to check a signature, so it is kept, sealed.
 */
export type AccessKeyRecord = RecordOf<"access-key", AccessKeySpec, object>;

export interface AccessKeySpec {
  /** Name of the user that it acts as; absent for the account itself. */
  user?: string;
  /** What it is for, in its owner's words. */
  title?: string;
  sealedSecret: string;
  createdAt: number;
  isActive: boolean;
}
