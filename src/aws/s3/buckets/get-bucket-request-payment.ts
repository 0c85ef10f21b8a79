import type {
  GetBucketRequestPaymentCommandInput,
  GetBucketRequestPaymentCommandOutput,
} from "@aws-sdk/client-s3";
import { onBucket } from "./on-bucket.ts";

export const getBucketRequestPayment = onBucket<
  GetBucketRequestPaymentCommandInput,
  GetBucketRequestPaymentCommandOutput
>((_, { bucket }) => ({ Payer: bucket.spec.requesterPays ? "Requester" : "BucketOwner" }));
