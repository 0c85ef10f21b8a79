import { AwsError } from "#/model/aws-error.ts";
import type { BucketRecord } from "#/model/bucket.ts";

const words = {
  NoSuchBucketPolicy: "The bucket policy does not exist",
  NoSuchCORSConfiguration: "The CORS configuration does not exist",
  NoSuchConfiguration: "The specified configuration does not exist.",
  NoSuchLifecycleConfiguration: "The lifecycle configuration does not exist",
  NoSuchPublicAccessBlockConfiguration: "The public access block configuration was not found",
  NoSuchTagSet: "The TagSet does not exist",
  NoSuchWebsiteConfiguration: "The specified bucket does not have a website configuration",
  ObjectLockConfigurationNotFoundError: "Object Lock configuration does not exist for this bucket",
  OwnershipControlsNotFoundError: "The bucket ownership controls were not found",
  ReplicationConfigurationNotFoundError: "The replication configuration was not found",
  ServerSideEncryptionConfigurationNotFoundError:
    "The server side encryption configuration was not found",
} as const;

/** What S3 answers for a part of a bucket that nobody has set. */
export function notSet(code: keyof typeof words, { name }: BucketRecord): AwsError {
  return new AwsError(code, 404, words[code], { fields: { BucketName: name } });
}
