import type {
  PutBucketVersioningCommandInput,
  PutBucketVersioningCommandOutput,
} from "@aws-sdk/client-s3";
import { AwsError } from "#/model/aws-error.ts";
import { malformedXml } from "./errors.ts";
import { onBucket } from "./on-bucket.ts";

export const putBucketVersioning = onBucket<
  PutBucketVersioningCommandInput,
  PutBucketVersioningCommandOutput
>(async ({ VersioningConfiguration }, { change }) => {
  const { Status, MFADelete } = VersioningConfiguration ?? {};
  if (Status === undefined)
    throw new AwsError(
      "IllegalVersioningConfigurationException",
      400,
      "The Versioning element must be specified",
    );
  if (Status !== "Enabled" && Status !== "Suspended") throw malformedXml();
  if (MFADelete !== undefined && MFADelete !== "Enabled" && MFADelete !== "Disabled")
    throw malformedXml();
  if (MFADelete === "Enabled")
    throw new AwsError("NotImplemented", 501, "Deleting by a second factor is not implemented");
  await change((spec) => {
    if (spec.objectLock && Status === "Suspended")
      throw new AwsError(
        "InvalidBucketState",
        409,
        "An Object Lock configuration is present on this bucket, so the versioning state cannot be changed.",
      );
    return { ...spec, versioning: Status === "Enabled" ? "enabled" : "suspended" };
  });
  return {};
});
