import type {
  BucketLocationConstraint,
  GetBucketLocationCommandInput,
  GetBucketLocationCommandOutput,
} from "@aws-sdk/client-s3";
import { onBucket } from "./on-bucket.ts";

/** The first region of all has no name here. */
export const getBucketLocation = onBucket<
  GetBucketLocationCommandInput,
  GetBucketLocationCommandOutput
>((_, { bucket }) => {
  const { region } = bucket.spec;
  return region === "us-east-1" ? {} : { LocationConstraint: region as BucketLocationConstraint };
});
