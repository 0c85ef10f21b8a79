import { AwsError } from "#/model/aws-error.ts";
import type { BucketRecord } from "#/model/bucket.ts";
import { accessDenied } from "./errors.ts";

/** Throws "AccessDenied" when a bucket belongs to another account than its caller believes (x-amz-expected-bucket-owner). */
export function checkExpectedOwner(expected: string | undefined, { spec }: BucketRecord): void {
  if (expected === undefined || expected === spec.accountId) return;
  if (/^\d{12}$/.test(expected)) throw accessDenied();
  throw new AwsError(
    "InvalidBucketOwnerAWSAccountID",
    400,
    "The value of the expected bucket owner parameter must be an AWS account ID",
  );
}
