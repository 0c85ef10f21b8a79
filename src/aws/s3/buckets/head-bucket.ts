import type { HeadBucketCommandInput, HeadBucketCommandOutput } from "@aws-sdk/client-s3";
import { AwsError } from "#/model/aws-error.ts";
import type { AwsOperation, Ask } from "../../call.ts";
import { onBucket } from "./on-bucket.ts";

const operation = onBucket<HeadBucketCommandInput, HeadBucketCommandOutput>((_, { bucket }) => ({
  BucketRegion: bucket.spec.region,
  AccessPointAlias: false,
}));

/** Clients ask it where a bucket is, and are told so even when they may do nothing there. */
export const headBucket: AwsOperation<HeadBucketCommandInput, HeadBucketCommandOutput> = {
  ...operation,
  asks(input, context) {
    const ask = operation.asks(input, context) as Ask;
    if (context.isAllowed(ask)) return ask;
    const { region } = context.parts.buckets.get(input.Bucket ?? "").spec;
    throw new AwsError("AccessDenied", 403, "Access Denied", {
      headers: { "x-amz-bucket-region": region },
    });
  },
};
