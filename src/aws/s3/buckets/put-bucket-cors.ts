import type { PutBucketCorsCommandInput, PutBucketCorsCommandOutput } from "@aws-sdk/client-s3";
import { readCors } from "./cors.ts";
import { onBucket } from "./on-bucket.ts";

export const putBucketCors = onBucket<PutBucketCorsCommandInput, PutBucketCorsCommandOutput>(
  async ({ CORSConfiguration }, { change }) => {
    const cors = readCors(CORSConfiguration?.CORSRules);
    await change((spec) => ({ ...spec, cors }));
    return {};
  },
);
