import type {
  PutBucketRequestPaymentCommandInput,
  PutBucketRequestPaymentCommandOutput,
} from "@aws-sdk/client-s3";
import { malformedXml } from "./errors.ts";
import { onBucket } from "./on-bucket.ts";

export const putBucketRequestPayment = onBucket<
  PutBucketRequestPaymentCommandInput,
  PutBucketRequestPaymentCommandOutput
>(async ({ RequestPaymentConfiguration }, { change }) => {
  const payer = RequestPaymentConfiguration?.Payer;
  if (payer !== "Requester" && payer !== "BucketOwner") throw malformedXml();
  await change((spec) => ({ ...spec, requesterPays: payer === "Requester" }));
  return {};
});
