import type {
  DeletePublicAccessBlockCommandInput,
  DeletePublicAccessBlockCommandOutput,
} from "@aws-sdk/client-s3";
import { onBucket } from "./on-bucket.ts";

export const deletePublicAccessBlock = onBucket<
  DeletePublicAccessBlockCommandInput,
  DeletePublicAccessBlockCommandOutput
>(async (_, { change }) => {
  await change(({ publicAccessBlock: _before, ...spec }) => spec);
  return {};
});
